"""日志审计: the audit trail for the auditor, who reads, verifies and exports it and changes nothing (domain.md §9)."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.audit import DETAILS, member_label
from service.domain.accounts.permissions import Action
from service.domain.system import row_words
from service.errors import N_, Message
from service.models.queries.accounts.audit_list import details_of
from service.reports.lists.audit_events import detail_word
from service.reports.lists.rule_checks import told
from service.web.presenters.formatting import exact
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success
from service.web.shell.list_page import render_list
from service.workflow.system import journal_verification

bp = Blueprint("audit", __name__)
HISTORY_TABLES = {"user": "user_account"} | {table: table for table in row_words.TABLES}
"""The table of each type of object of an event whose rows have a history."""


@bp.get("/audit")
@requires_permission(Action.READ_AUDIT)
def index() -> ResponseReturnValue:
    return render_list(
        "audit-events",
        "audit.index",
        "pages/audit/index.html",
        member_label=member_label,
        details_of=details_of,
        details=DETAILS,
        detail_word=detail_word,
        history_tables=HISTORY_TABLES,
        table_word=row_words.table_word,
        exact=exact,
        most=journal_verification.CASES_CHECKED,
    )


@bp.get("/audit/rules")
@requires_permission(Action.READ_AUDIT)
def rules() -> ResponseReturnValue:
    return render_list("rule-checks", "audit.rules", "pages/audit/rules.html", told=told)


@bp.post("/audit/verify")
@requires_permission(Action.READ_AUDIT)
def verify() -> ResponseReturnValue:
    """Run the latest cases again from their journals."""
    checked, wrong = journal_verification.verify_latest(current_user)
    if wrong:
        flash_success(
            Message(
                N_("校验了 %(n)s 件案卷，其中 %(m)s 件与日志不一致：%(which)s"),
                n=checked,
                m=len(wrong),
                which=", ".join(map(str, wrong[:5])),
            ),
            kind="bad",
        )
    else:
        flash_success(Message(N_("校验了最近办理的 %(n)s 件案卷，日志链完整，重新执行的结果全部一致。"), n=checked))
    return redirect(url_for(".index"))
