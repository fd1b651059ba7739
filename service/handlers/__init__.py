"""Python behind service tasks. A module has the name of its process; a topic ``module.function`` is that function.

training_enrollment is long and takes three modules: itself up to the check-in, examination (scores) and certification.
training_class takes two: itself, and class_change for the change of a published class.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from service.handlers.earlier_states import earlier_state
from service.handlers.registry import (
    STARTER,
    Ending,
    declared_processes,
    declared_topics,
    describe_subject,
    ending_of,
    serve,
    topics,
)
from service.handlers.subjects import SUBJECTS, keep_subject, write_state

__all__ = [
    "STARTER",
    "SUBJECTS",
    "Ending",
    "declared_processes",
    "declared_topics",
    "describe_subject",
    "earlier_state",
    "ending_of",
    "keep_subject",
    "serve",
    "topics",
    "write_state",
]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
