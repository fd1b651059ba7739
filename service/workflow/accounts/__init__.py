"""Use cases on accounts, roles and permissions."""
