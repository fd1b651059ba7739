"""Leaves of the menu that are work to be done: a kind of task in the inbox,
or the classes where something is due now.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.training.classes import is_check_in_day
from service.models.db.clock import today
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.persons.person import Person
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.list_page import render_list

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
    """List the classes into which somebody, or the person asked for, can be enrolled today."""
    wanted = query_params.key("person")
    person = get_or_404_in_scope(current_user, Person, wanted) if wanted else None
    return render_list("offers", "worklists.offers", "pages/worklists/offers.html", person=person)


@bp.get("/classes/check-in")
@requires_permission(Action.CHECK_IN)
def check_in() -> ResponseReturnValue:
    """Read the classes whose persons come now, or will soon."""
    return render_list(
        "check-in", "worklists.check_in", "pages/worklists/check_in.html", is_day=is_check_in_day, today=today()
    )


@bp.get("/classes/scores")
@requires_permission(Action.RECORD_SCORE)
def scores() -> ResponseReturnValue:
    """List the hosted classes that have scores to record, or to be confirmed."""
    return render_list("to-score", "worklists.scores", "pages/worklists/scores.html")
