"""Changes of business rows that handlers and use cases share; a use case or a step opens the transaction."""
