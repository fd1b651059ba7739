"""Subjects of cases: most are persons, whose names administrators do not see (domain.md §9)."""

from __future__ import annotations

from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.domain.persons.identity import initial

OF_NO_PERSON = frozenset({"training_class"})
"""Processes whose subject is the title of a thing; that of any other may be or hold the name of a person."""


def shown_subject(role: Role, process: str, subject: str) -> str:
    """The subject as a role sees it."""
    return initial(subject) if role in ADMINISTRATORS and process not in OF_NO_PERSON else subject
