"""Session, transaction, clock, ids, paging, encryption, and errors of the database."""
