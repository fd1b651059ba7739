"""Pages: one folder a noun, one module a blueprint ``bp``."""
