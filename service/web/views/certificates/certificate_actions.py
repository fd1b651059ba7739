"""Actions of the ministry on valid certificates: revocation; deregistration of the expired, one or many (R62)."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.certificates.certificates import obstacle_to_revocation
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.queries.certificates import certificate_list
from service.models.queries.runtime import inbox
from service.models.queries.scope import inbox_addresses
from service.models.queries.training.training_need_facts import to_domain
from service.validation.typed_text import as_id
from service.web.shell import query_params, questions
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.workflow.certificates import certificate_expiry, certificates
from service.workflow.runtime import bulk_completion

bp = Blueprint("certificate_actions", __name__)
KIND = f"{certificate_expiry.PROCESS}/deregister_certificate"


@bp.get("/certificates/<uuid:certificate_id>/revoke")
@requires_permission(Action.REVOKE_CERTIFICATE)
def confirm_revocation(certificate_id: UUID) -> ResponseReturnValue:
    found = certificate_list.visible_certificate(current_user, certificate_id)
    obstacle = obstacle_to_revocation(to_domain(found), today())
    return render_template("pages/certificates/revoke.html", found=found, obstacle=obstacle)


@bp.post("/certificates/<uuid:certificate_id>/revoke")
@requires_permission(Action.REVOKE_CERTIFICATE)
@rerender_on_error(confirm_revocation, Conflict)
def revoke(certificate_id: UUID) -> ResponseReturnValue:
    found = certificates.revoke(current_user, certificate_id, request.form.get("reason", ""))
    flash_success(Message(N_("证书 %(number)s 已吊销。"), number=found.number))
    return redirect(url_for("certificates.show", certificate_id=certificate_id))


@bp.post("/certificates/<uuid:certificate_id>/deregister")
@requires_permission(Action.DEREGISTER_CERTIFICATE)
def deregister(certificate_id: UUID) -> ResponseReturnValue:
    """To the task in which this one is decided; its case begins now if the daily job has not begun it."""
    return redirect(
        url_for("tasks.show", task_id=certificate_expiry.begin_deregistration(current_user, certificate_id))
    )


@bp.get("/certificates/expired")
@requires_permission(Action.DEREGISTER_CERTIFICATE)
def expired() -> ResponseReturnValue:
    """The expired certificates that wait for the ministry, grouped by province."""
    chosen = inbox.Filter(
        kind=KIND, find=query_params.text("q") or None, batch=query_params.text("province", 36) or None
    )
    page = inbox.read(inbox_addresses(current_user), chosen, query_params.cursor())
    return render_template(
        "pages/certificates/expired.html",
        page=page,
        chosen=chosen,
        submission=new_id(),
        total=next((k.count for k in inbox.counts(inbox_addresses(current_user)) if k.kind == KIND), 0),
    )


@bp.post("/certificates/expired")
@requires_permission(Action.DEREGISTER_CERTIFICATE)
@rerender_on_error(expired)
def deregister_many() -> ResponseReturnValue:
    """Ask, then deregister all that are ticked, with one reason (R87). Sent twice, it is done once."""
    chosen = [_id(text) for text in request.form.getlist("task")]
    if not chosen:
        raise InvalidInput(text=N_("请先选择要注销的证书。"))
    asked = [(task, {"decision": "deregister"}) for task in chosen]
    rows = questions.settle(asked, N_("注销证书"), url_for(".expired", **query_params.with_query()))
    results = bulk_completion.complete_many(current_user, _id(request.form.get("submission", "")), rows)
    refused = [result for result in results if not result.ok]
    if refused:
        names = inbox.subjects(current_user, chosen)
        return render_template("pages/inbox/results.html", results=results, refused=refused, names=names)
    flash_success(Message(N_("已注销 %(n)s 份证书，持证人须重新取证。"), n=len(results)))
    return redirect(url_for(".expired"))


def _id(text: str) -> UUID:
    if (found := as_id(text)) is None:
        raise InvalidInput(text=N_("页面已过期，请刷新后重新选择。"))
    return found
