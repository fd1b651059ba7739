"""Pages of accounts, roles and permissions."""
