"""The history of rows and its seals, settings, exports and stored files."""
