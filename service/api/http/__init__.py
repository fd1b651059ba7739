"""Authentication and errors that both REST interfaces share."""
