"""The progress of a published class, computed from the states of its enrolments (domain.md §8). The end of enrolment is
decided.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import HAVE_COME, LIVE_STATES, EnrollmentState

Counts = Mapping[EnrollmentState, int]

_S = EnrollmentState
_UNSCORED = (_S.PENDING, _S.CONFIRMED, _S.CHECKED_IN, _S.MAKEUP)
PROGRESS = (
    ClassState.ENROLLING,
    ClassState.ENROLMENT_CLOSED,
    ClassState.RUNNING,
    ClassState.SCORED,
    ClassState.CONFIRMED,
)
"""The states that are computed; draft, cancelled and completed are decided."""


def progress(is_enrolment_closed: bool, counts: Counts) -> ClassState:
    """The state of a class under way: running from the first check-in, whatever its window says (R86), scored when
    nobody who may still sit an examination is left without a score, confirmed when all scores are;
    it falls back with a return or a make-up. While others may still enrol it goes no further than running (R38).
    """
    if not came(counts):
        return ClassState.ENROLMENT_CLOSED if is_enrolment_closed else ClassState.ENROLLING
    if not is_enrolment_closed or _count(counts, _UNSCORED):
        return ClassState.RUNNING
    return ClassState.SCORED if counts.get(_S.SCORED) else ClassState.CONFIRMED


def came(counts: Counts) -> int:
    """Count those who have checked in."""
    return _count(counts, HAVE_COME)


def is_closed(counts: Counts) -> bool:
    """Tell whether every enrolment of the class has ended."""
    return _count(counts, LIVE_STATES) == 0


def _count(counts: Counts, states: tuple[EnrollmentState, ...] | frozenset[EnrollmentState]) -> int:
    return sum(counts.get(state, 0) for state in states)
