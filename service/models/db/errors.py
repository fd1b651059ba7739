"""The exception by which pages and API learn that the database is away, without knowing its driver."""

from sqlalchemy.exc import OperationalError as DatabaseAway

__all__ = ["DatabaseAway"]
