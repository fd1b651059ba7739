"""The dialect that the gate accepts, for pages that offer it."""

from service.engine.validation import allow_list

__all__ = ["allow_list"]
