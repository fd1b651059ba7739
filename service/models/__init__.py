"""Rows of the database: ``db`` the session, ``tables`` the ORM, ``queries`` the read models and their scope."""
