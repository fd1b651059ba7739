"""Many certificates as one file: choose, follow the progress, fetch the file;
and the register of who received which print.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.certificates.faces import FaceStyle, Packaging
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.clock import today
from service.models.queries.certificates.print_list import (
    certificates_of_cases,
    holders_of_prints,
    last_print,
    names_of,
    printable,
)
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.runtime.case import Task
from service.models.tables.training.training import TrainingClass
from service.validation.typed_text import as_id
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.downloads import streamed
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import render_list
from service.workflow.certificates import certificates, printer_calibration, printing
from service.workflow.certificates.verification_address import verification_address
from service.workflow.idempotency import once

bp = Blueprint("printing", __name__)
SHIFT, SHIFT_LIFETIME = "print_shift", timedelta(days=730)


@bp.get("/certificates/print")
@requires_permission(Action.PRINT_CERTIFICATE)
def new() -> ResponseReturnValue:
    """Show the certificates chosen in the ledger (``c``, many) or made for a class (``class``), with obstacles."""
    class_id = query_params.key("class")
    found = get_or_404_in_scope(current_user, TrainingClass, class_id) if class_id else None
    rows = printable(current_user, _ids(request.args.getlist("c")), class_id)
    return render_template(
        "pages/printing/new.html",
        rows=[(row, printing.obstacle(row, "x")) for row in rows],
        found=found,
        most=printing.MAX_FACES,
        recent=PrintBatch.recent(current_user.id, 5),
    )


@bp.post("/certificates/print")
@requires_permission(Action.PRINT_CERTIFICATE)
@rerender_on_error(new)
def create() -> ResponseReturnValue:
    """Few are laid out at once; many go to the background, with a page that shows how far they are."""
    chosen = _ids(request.form.getlist("certificate"))
    title, reason = request.form.get("title", "").strip() or "证书", request.form.get("reason", "")
    packaging = Packaging.ZIP if request.form.get("packaging") == Packaging.ZIP else Packaging.PDF
    return _begin(chosen, title, reason, FaceStyle.parse(request.form), packaging)


@bp.get("/certificates/calibration")
@requires_permission(Action.PRINT_CERTIFICATE)
def calibrate() -> ResponseReturnValue:
    """Show the correction of this computer's printer, and the sheet to measure it."""
    x, y = shift()
    return render_template("pages/printing/calibration.html", x=f"{x / 10:g}", y=f"{y / 10:g}")


@bp.post("/certificates/calibration")
@requires_permission(Action.PRINT_CERTIFICATE)
@rerender_on_error(calibrate)
def save_calibration() -> ResponseReturnValue:
    measured = printer_calibration.parse_shift(request.form)
    flash_success(N_("打印校正已保存在这台电脑上，以后的证书按此打印。"))
    answer = redirect(url_for(".calibrate"))
    answer.set_cookie(
        SHIFT,
        printer_calibration.dump_shift(measured),
        max_age=SHIFT_LIFETIME,
        httponly=True,
        secure=request.is_secure,
        samesite="Lax",
    )
    return answer


@bp.get("/certificates/calibration.pdf")
@requires_permission(Action.PRINT_CERTIFICATE)
def calibration_sheet() -> ResponseReturnValue:
    headers = {"Content-Disposition": 'inline; filename="calibration.pdf"'}
    return Response(printer_calibration.sheet(shift()), mimetype="application/pdf", headers=headers)


def shift() -> printer_calibration.Shift:
    """The correction that this computer remembers: printers stand beside computers, not accounts."""
    return printer_calibration.load_shift(request.cookies.get(SHIFT, ""))


@bp.get("/certificates/print/<uuid:batch_id>")
@requires_permission(Action.PRINT_CERTIFICATE)
def show(batch_id: UUID) -> ResponseReturnValue:
    """Show the progress; the page asks again until the file is there."""
    row = printing.find_batch(current_user, batch_id)
    names = names_of([UUID(one["id"]) for one in row.refused])
    refused = [(names.get(UUID(one["id"]), ("", "")), Message(one["text"], **one["values"])) for one in row.refused]
    part = "pages/printing/progress.html" if "HX-Request" in request.headers else "pages/printing/show.html"
    return render_template(part, row=row, refused=refused)


@bp.post("/certificates/print/<uuid:batch_id>/cancel")
@requires_permission(Action.PRINT_CERTIFICATE)
@rerender_on_error(show, Conflict)
def cancel(batch_id: UUID) -> ResponseReturnValue:
    printing.cancel(current_user, batch_id)
    return redirect(url_for(".show", batch_id=batch_id), 303)


@bp.get("/certificates/print/<uuid:batch_id>.pdf")
@requires_permission(Action.PRINT_CERTIFICATE)
def file(batch_id: UUID) -> ResponseReturnValue:
    """The file, whatever it is packed as."""
    row = printing.find_batch(current_user, batch_id)
    size, pieces = printing.read_file(row)
    shown, media = (
        ("inline", "application/pdf") if row.packaging == Packaging.PDF else ("attachment", "application/zip")
    )
    return streamed(pieces, size, media, f'{shown}; filename="{batch_id}.{row.packaging}"')


@bp.get("/certificates/prints")
@requires_permission(Action.PRINT_CERTIFICATE)
def register() -> ResponseReturnValue:
    """List every print, and who received it."""
    return render_list("prints", "printing.register", "pages/printing/register.html", today=today())


@bp.post("/certificates/prints")
@requires_permission(Action.PRINT_CERTIFICATE)
@rerender_on_error(register)
def hand_out() -> ResponseReturnValue:
    """Write down who received those that are ticked."""
    chosen = _ids(request.form.getlist("print"))
    if not chosen:
        raise InvalidInput(text=N_("请先选择已领取的证书。"))
    refused = certificates.hand_out_many(current_user, chosen, request.form)
    if refused:
        names = holders_of_prints(list(refused))
        rows = [(names.get(key, ("", "")), message) for key, message in refused.items()]
        return render_template("pages/printing/handed_out.html", done=len(chosen) - len(rows), refused=rows)
    flash_success(Message(N_("已登记 %(n)s 份的领取。"), n=len(chosen)))
    return redirect(url_for(".register", received=request.form.get("received") or None))


PRINT_TASK = "/print_certificate"


def file_of(case_id: UUID) -> str | None:
    """The address of the file that completing the print task of a case entitles to."""
    certificate_id = certificates_of_cases([case_id]).get(case_id)
    record_id = last_print(certificate_id, current_user.id) if certificate_id else None
    return url_for("certificates.print_file", record_id=record_id) if record_id else None


def begin(task_ids: list[UUID]) -> ResponseReturnValue:
    """Print what waits in these tasks as one file, which completes them; if one was printed before, ask why first."""
    tasks = [get_or_404_in_scope(current_user, Task, task_id) for task_id in task_ids]
    ids = list(certificates_of_cases([task.case_id for task in tasks]).values())
    if any(row.printed_count for row in printable(current_user, ids)):
        return redirect(url_for("printing.new", c=ids), 303)
    return _begin(ids, tasks[0].batch_title or "证书", "")


def _begin(
    ids: list[UUID],
    title: str,
    reason: str,
    style: FaceStyle | None = None,
    packaging: Packaging = Packaging.PDF,
) -> ResponseReturnValue:
    address, moved = verification_address(), shift()
    made = once(
        current_user,
        form_id(reason, str(style), packaging, *map(str, ids)),
        "begin_print_batch",
        lambda: printing.begin_batch(current_user, ids, title, reason, address, moved, style, packaging).id,
    )
    batch = printing.find_batch(current_user, made)
    printing.write_if_small(batch)
    return redirect(url_for("printing.show", batch_id=batch.id), 303)


def _ids(texts: list[str]) -> list[UUID]:
    found = [key for text in texts if (key := as_id(text))]
    if len(found) < len(texts):
        raise InvalidInput(text=N_("页面已过期，请刷新后重新选择。"))
    return list(dict.fromkeys(found))
