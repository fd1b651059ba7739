"""The log that seals what was written: its tree, its keys, and where its heads go."""
