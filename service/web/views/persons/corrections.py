"""Correction of an identity: the form with its evidence, what becomes of it, and the numbers side by side (R77)."""

from __future__ import annotations

import io
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.persons.corrections import LOCKED, CorrectionKind
from service.domain.persons.identity import IdType, Sex
from service.errors import N_, Conflict, Message
from service.models.queries.persons.correction_list import corrections_of
from service.models.queries.scope_adapters import is_in_scope
from service.models.tables.persons.identity_correction import CorrectionFile, IdentityCorrection
from service.models.tables.system import setting
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.questions import Question, asks
from service.web.views.accounts.session import source
from service.workflow.idempotency import once
from service.workflow.persons import corrections, person_records

bp = Blueprint("corrections", __name__)


@bp.get("/persons/<uuid:person_id>/corrections")
@requires_permission(Action.VIEW_PERSONS)
def index(person_id: UUID, revealed: dict[UUID, tuple[str, str]] | None = None) -> ResponseReturnValue:
    """Show the corrections of a person, and the form of a new one to who may ask for it."""
    person = person_records.visible_person(current_user, person_id)
    return render_template(
        "pages/persons/corrections.html",
        person=person,
        rows=[(row, corrections.changes_of(row), CorrectionFile.of(row.id)) for row in corrections_of(person.id)],
        labels=LOCKED,
        kinds=list(CorrectionKind),
        id_types=list(IdType),
        sexes=list(Sex),
        may_ask=is_in_scope(current_user, Action.CORRECT_IDENTITY, person.unit),
        obstacle=corrections.obstacle(person),
        revealed=revealed or {},
        most=setting.number("attachments"),
        megabytes=setting.number("attachment_megabytes"),
    )


@bp.post("/persons/<uuid:person_id>/corrections")
@requires_permission(Action.CORRECT_IDENTITY)
@rerender_on_error(index, Conflict)
def ask(person_id: UUID) -> ResponseReturnValue:
    files = [(sent.filename, sent.read()) for sent in request.files.getlist("files") if sent.filename]
    once(
        current_user,
        form_id(),
        "request_correction",
        lambda: corrections.request_correction(current_user, person_id, request.form, files).id,
    )
    flash_success(N_("更正申请已提交。"))
    return redirect(url_for(".index", person_id=person_id))


def _withdrawal(correction_id: UUID) -> Question:
    row = corrections.own_correction(current_user, correction_id)
    return Question(
        title=Message(N_("撤回“%(name)s”的更正申请？"), name=row.person.name),
        consequence=N_("申请就此结束，档案不变；需要时可以重新申请。"),
        verb=N_("撤回申请"),
        way_back=url_for(".index", person_id=row.person_id),
    )


@bp.post("/corrections/<uuid:correction_id>/withdraw")
@requires_permission(Action.CORRECT_IDENTITY)
@asks(_withdrawal)
def withdraw(correction_id: UUID) -> ResponseReturnValue:
    row = corrections.visible_correction(current_user, correction_id)
    person_id, name = row.person_id, row.person.name
    corrections.withdraw_correction(current_user, correction_id)
    flash_success(Message(N_("“%(name)s”的更正申请已撤回。"), name=name))
    return redirect(url_for(".index", person_id=person_id))


@bp.post("/corrections/<uuid:correction_id>/numbers")
@requires_permission(Action.REVEAL_NUMBER)
def reveal(correction_id: UUID) -> ResponseReturnValue:
    """Show the whole numbers before and after, once, remembered."""
    row: IdentityCorrection = corrections.visible_correction(current_user, correction_id)
    person_id = row.person_id
    return index(person_id, {correction_id: corrections.reveal_numbers(current_user, correction_id, source())})


@bp.get("/corrections/<uuid:correction_id>/files/<uuid:file_id>")
@requires_permission(Action.VIEW_PERSONS)
def file(correction_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """The file, always to be saved and never shown by the browser on the address of Anpei."""
    found, content = corrections.open_file(current_user, correction_id, file_id)
    answer = make_response(
        send_file(io.BytesIO(content), mimetype=found.media_type, as_attachment=True, download_name=found.name)
    )
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
