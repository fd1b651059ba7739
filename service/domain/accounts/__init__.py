"""Rules about accounts, roles and permissions."""
