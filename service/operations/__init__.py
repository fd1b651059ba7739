"""Changes of business rows that handlers and use cases share; the caller has opened the transaction."""
