"""Actions of the ministry on valid certificates: revocation; deregistration of the expired, one or many (R62)."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.certificates.certificates import obstacle_to_revocation
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.queries.certificates import certificate_list
from service.models.queries.runtime import inbox
from service.models.queries.scope import inbox_addresses
from service.models.queries.training.training_need_facts import to_domain
from service.validation.typed_text import as_id
from service.web.shell import query_params
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
@rerender_on_error(lambda: _ask_again())
def deregister_many() -> ResponseReturnValue:
    """Ask, then deregister all that are ticked, with one reason (R87). Sent twice, it is done once."""
    chosen = [_id(text) for text in request.form.getlist("task")]
    if not chosen:
        raise InvalidInput(text=N_("请先选择要注销的证书。"))
    if not request.form.get("asked"):
        return _ask(chosen)
    reason = parse_reason(request.form.get("reason"))
    raw = {"decision": "deregister", "reason": reason}
    results = bulk_completion.complete_many(
        current_user, _id(request.form.get("submission", "")), [(task, raw) for task in chosen]
    )
    refused = [result for result in results if not result.ok]
    if refused:
        names = inbox.subjects(current_user, chosen)
        return render_template("pages/inbox/results.html", results=results, refused=refused, names=names)
    flash_success(Message(N_("已注销 %(n)s 份证书，持证人须重新取证。"), n=len(results)))
    return redirect(url_for(".expired"))


def _ask(chosen: list[UUID]) -> ResponseReturnValue:
    """Ask whether these certificates are to end, and why."""
    return render_template(
        "pages/inbox/confirm.html",
        title=Message(N_("注销 %(n)s 份证书？"), n=len(chosen)),
        names=list(inbox.subjects(current_user, chosen).values()),
        consequence=N_("证书终止，不能恢复；持证人须重新取证并编新号。"),
        reason_label=N_("注销原因"),
        reason_hint=N_("会记入每份证书，单位可以看到。"),
        verb=N_("注销所选证书"),
        way_back=url_for(".expired", **query_params.with_query()),
    )


def _ask_again() -> ResponseReturnValue:
    """Show what was refused again: the question with its reason, or the list when nothing was ticked."""
    chosen = request.form.getlist("task")
    return _ask([_id(text) for text in chosen]) if chosen and request.form.get("asked") else expired()


def _id(text: str) -> UUID:
    if (found := as_id(text)) is None:
        raise InvalidInput(text=N_("页面已过期，请刷新后重新选择。"))
    return found
