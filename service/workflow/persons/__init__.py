"""Use cases on persons."""
