"""The dialect that the gate accepts, of diagrams and of forms, for pages that offer it."""

from service.engine.forms import components
from service.engine.validation import allow_list

__all__ = ["allow_list", "components"]
