"""日志审计: the audit trail for the auditor, who reads, verifies and exports it and changes nothing (domain.md §9)."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.audit import DETAILS, EventGroup, word_of
from service.domain.calendar import read_day
from service.domain.permissions import Action
from service.errors import N_, Message
from service.models import audit_list
from service.models.audit_list import EventFilter
from service.web import filters
from service.web.access import needs
from service.web.submit import done
from service.workflow import audits

bp = Blueprint("audit", __name__)


@bp.get("/audit")
@needs(Action.READ_AUDIT)
def index() -> ResponseReturnValue:
    chosen = EventFilter(
        filters.text("q"), filters.choice("kind", list(EventGroup)), filters.choice("state", audit_list.OUTCOMES),
        read_day(filters.text("since")), read_day(filters.text("until")),
    )  # fmt: skip
    return render_template(
        "pages/audit/index.html", page=audit_list.events_page(chosen, filters.cursor()), chosen=chosen, groups=list(EventGroup),
        word_of=word_of, details=DETAILS, most=audits.CHECKED,
    )  # fmt: skip


@bp.post("/audit/verify")
@needs(Action.READ_AUDIT)
def verify() -> ResponseReturnValue:
    """Run the latest cases again from their journals."""
    checked, wrong = audits.verify_latest(current_user)
    if wrong:
        done(Message(N_("校验了 %(n)s 件案卷，其中 %(m)s 件与日志不一致：%(which)s"), n=checked, m=len(wrong), which=", ".join(map(str, wrong[:5]))), kind="bad")  # fmt: skip
    else:
        done(Message(N_("校验了最近办理的 %(n)s 件案卷，日志链完整，重新执行的结果全部一致。"), n=checked))
    return redirect(url_for(".index"))
