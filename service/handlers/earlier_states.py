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


def _class_state(data: dict[str, Any]) -> str:
    return str(data["class_state"])


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
    "training_class.discard_draft": "cancelled",
    "training_class.publish": "enrolling",
    "training_class.close_enrolment": _class_state,
    "training_class.update_progress": _class_state,
    "training_class.cancel_class": "cancelled",
    "training_class.complete": "completed",
    "class_change.change_class": _class_state,
    "certificate_deregistration.deregister": "deregistered",
    "certificate_reissue.send_back": "returned",
    "certificate_reissue.refuse": "refused",
    "certificate_reissue.resubmit": "requested",
    "certificate_reissue.withdraw": "withdrawn",
    "certificate_reissue.lapse": "lapsed",
    "certificate_reissue.issue_edition": "approved",
    "certificate_reissue.record_print": "completed",
    "identity_correction.approve": "approved",
    "identity_correction.refuse": "refused",
    "identity_correction.apply": "applied",
    "identity_correction.close": lambda data: data["outcome"],
    "support_ticket.accept": "in_progress",
    "support_ticket.ask_requester": "waiting_user",
    "support_ticket.record_reply": "in_progress",
    "support_ticket.note_silence": "in_progress",
    "support_ticket.resolve": "resolved",
    "support_ticket.reopen": "in_progress",
    "support_ticket.close": "closed",
}


def earlier_state(calls: Iterable[ServiceCall], data: dict[str, Any]) -> Reached | None:
    """The state that the last of these calls of a step set; data: of the case afterwards."""
    found = None
    for call in calls:
        if (rule := _STATES.get(call.topic)) is not None:
            found = Reached(rule if isinstance(rule, str) else rule({**data, **call.result}))
    return found
