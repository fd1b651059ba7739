"""Requests and responses of ``/api/v1``, a module a noun."""
