"""Leaves of the menu that are work to be done: a kind of task in the inbox, or the classes where something is due now."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.training.classes import is_check_in_day
from service.domain.training.training_kind import TrainingKind
from service.models.db.clock import today
from service.models.queries.training import class_worklists
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission

bp = Blueprint("worklists", __name__)


def _lead(address: str, name: str, action: Action, endpoint: str, **values: Any) -> None:
    """A leaf at an address of its own, so that it is nobody else's (404), which leads to a list narrowed to it."""

    @requires_permission(action)
    def lead() -> ResponseReturnValue:
        return redirect(url_for(endpoint, **values))

    bp.add_url_rule(address, name, lead)


_lead("/desks/persons", "approvals", Action.APPROVE_PERSON, "inbox.index", kind="personnel_approval/approve_person")
_lead(
    "/desks/enrollments",
    "confirmations",
    Action.CONFIRM_ENROLLMENT,
    "inbox.index",
    kind="training_enrollment/confirm_enrollment",
)
_lead(
    "/desks/scores",
    "score_confirmations",
    Action.CONFIRM_SCORE,
    "inbox.index",
    kind="training_enrollment/confirm_score",
)
_lead(
    "/desks/certificates",
    "certificate_approvals",
    Action.APPROVE_CERTIFICATE,
    "inbox.index",
    kind="training_enrollment/certification/approve_certificate",
)
_lead("/desks/prints", "prints", Action.PRINT_CERTIFICATE, "certificates.index", print="no")
_lead("/desks/tickets", "dispatch", Action.ROUTE_TICKETS, "inbox.index", kind="support_ticket/accept_ticket")


@bp.get("/classes/offers")
@requires_permission(Action.ENROLL)
def offers() -> ResponseReturnValue:
    """The classes into which somebody can be enrolled today."""
    kind = query_params.choice("kind", list(TrainingKind))
    page = class_worklists.page_of(class_worklists.offers_query(current_user, today(), kind), query_params.cursor())
    return render_template("pages/worklists/offers.html", page=page, kind=kind, kinds=list(TrainingKind))


@bp.get("/classes/check-in")
@requires_permission(Action.CHECK_IN)
def check_in() -> ResponseReturnValue:
    """The classes whose people come now, or will soon."""
    page = class_worklists.page_of(class_worklists.check_in_query(current_user, today()), query_params.cursor())
    return render_template("pages/worklists/check_in.html", page=page, is_day=is_check_in_day, today=today())


@bp.get("/classes/scores")
@requires_permission(Action.RECORD_SCORE)
def scores() -> ResponseReturnValue:
    """The hosted classes that have scores to record, or to be looked after until they are confirmed."""
    page = class_worklists.page_of(class_worklists.score_query(current_user), query_params.cursor())
    return render_template("pages/worklists/scores.html", page=page)
