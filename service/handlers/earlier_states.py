"""The states that topics set in diagrams drawn before elements could say them: their running cases keep those diagrams
(design.md, invariant 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from service.engine import Reached, ServiceCall

_Rule = str | Callable[[dict[str, Any]], str]


def _end(data: dict[str, Any]) -> str:
    if not data["came"]:
        return "cancelled"
    return "completed" if data["is_approved"] else "terminated"


_STATES: dict[str, _Rule] = {
    "personnel_approval.submit": lambda data: "approved" if data["is_academy"] else "pending",
    "personnel_approval.approve": "approved",
    "personnel_approval.reject": "rejected",
    "personnel_approval.deregister": "deregistered",
    "training_enrollment.register": lambda data: "pending" if data["needs_confirmation"] else "confirmed",
    "training_enrollment.confirm": "confirmed",
    "training_enrollment.reject": "rejected",
    "training_enrollment.withdraw": "withdrawn",
    "training_enrollment.cancel": "cancelled",
    "training_enrollment.end_training": _end,
    "training_enrollment.check_in": "checked_in",
    "training_enrollment.undo_check_in": "confirmed",
    "training_enrollment.record_no_show": "no_show",
    "examination.record_score": "scored",
    "examination.return_score": lambda data: "checked_in" if data["attempt"] == 1 else "makeup",
    "examination.open_makeup": "makeup",
    "examination.fail": "failed",
    "examination.record_refresher": lambda data: "completed" if data["is_recorded"] else "terminated",
    "certification.issue_certificate": "certifying",
    "certification.void": "failed",
    "certification.complete": "completed",
}


def earlier_state(calls: Iterable[ServiceCall], data: dict[str, Any]) -> Reached | None:
    """The state that the last of these calls of a step set; data: of the case afterwards."""
    found = None
    for call in calls:
        if (rule := _STATES.get(call.topic)) is not None:
            found = Reached(rule if isinstance(rule, str) else rule({**data, **call.result}))
    return found
