"""Read models of accounts, roles and permissions."""
