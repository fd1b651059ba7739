"""Print many certificates as one file in the background: log the prints, lay out the faces, encrypt the file (R58)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from service.config import settings
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.certificates.certificates import obstacle_to_printing
from service.domain.certificates.faces import FaceStyle
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound
from service.infrastructure import pdf
from service.models.db.clock import now
from service.models.db.encryption import read_encrypted, write_encrypted
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.certificates.print_list import printable, printed_in
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.audit import AuditEvent
from service.models.tables.case import Job
from service.models.tables.certificate import Certificate
from service.models.tables.print_batch import PrintBatch
from service.models.tables.user import User
from service.validation.characters import LINE, is_storable
from service.validation.messages import NOT_STORABLE
from service.workflow.certificates import certificates, faces
from service.workflow.certificates.printer_calibration import Shift
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import jobs

MAX_FACES = 500  # faces of one file
FOREGROUND_FACES = 2  # faces that take less than two seconds
FACES_PER_SLICE = 10  # faces laid out between two notes of the progress
FILE_LIFETIME = timedelta(days=1)
EFFECT, REMOVAL = "print_batch", "print_batch.remove"


def obstacle(certificate: Certificate, reason: str = "") -> Message | None:
    """Say why this certificate cannot be part of the file; one reason serves all further prints."""
    has_photo = certificate.person.photo_id is not None
    return obstacle_to_printing(to_domain(certificate), has_photo, certificate.printed_count, reason)


def begin_batch(
    user: User,
    ids: Iterable[UUID],
    title: str,
    reason: str,
    address: str,
    shift: Shift = (0, 0),
    style: FaceStyle | None = None,
) -> PrintBatch:
    """Begin to print these certificates as one file. address: where the QR codes lead, ``{}`` standing for the token;
    shift: of the printer, ``calibration.parse_shift``.

    Raises NotAllowed for other roles, InvalidInput when nothing is chosen, too much, or a further print has no reason.
    """
    if not may(Role(user.role), Action.PRINT_CERTIFICATE):
        raise NotAllowed
    chosen = printable(user, set(ids))
    if not chosen:
        raise InvalidInput(text=N_("请先选择要打印的证书。"))
    if len(chosen) > MAX_FACES:
        raise InvalidInput(text=Message(N_("一次最多打印 %(most)s 份，请分批。"), most=MAX_FACES))
    why = certificates.read_print_reason(reason)
    if not is_storable(heading := title[:200], LINE):
        raise InvalidInput({"title": NOT_STORABLE})
    if not why and any(c.printed_count for c in chosen):
        raise InvalidInput({"reason": N_("所选证书中有已打印过的，再次打印请写明原因。")})
    look = style or FaceStyle()
    batch = PrintBatch(
        id=new_id(),
        user_id=user.id,
        title=heading,
        reason=why,
        address=address[:300],
        total=len(chosen),
        done=0,
        refused=[],
        certificate_ids=[str(c.id) for c in chosen],
        state="running",
        shift_x=shift[0],
        shift_y=shift[1],
        layout=str(look.layout),
        language=str(look.language),
    )
    with transaction(Operation("begin_print_batch", user.id)) as current:
        current.add(batch)
        detail = {"certificates": batch.total, "reason": why}
        current.add(
            AuditEvent(
                actor_id=user.id,
                organisation_id=user.organisation_id,
                action="print_batch",
                object_type="print_batch",
                object_id=batch.id,
                detail=detail,
            )
        )
        current.add(_job(REMOVAL, batch, FILE_LIFETIME))
        if batch.total > FOREGROUND_FACES:
            current.add(_job(EFFECT, batch, timedelta()))
    return batch


def write(batch_id: UUID, job_id: UUID | None = None) -> None:
    """Log the prints and write the file; doing it again after a failure prints nothing twice.
    A failure is noted, then raised.

    job_id: the job that does it, whose lease is prolonged.
    """
    batch = session().get_one(PrintBatch, batch_id, populate_existing=True)
    if batch.state not in ("running", "failed"):
        return
    try:
        _write(batch, job_id)
    except Exception as error:
        session().rollback()
        _end(batch_id, "failed", f"{type(error).__name__}: {error}")
        raise
    _end(batch_id, "done")


def find_batch(user: User, batch_id: UUID) -> PrintBatch:
    """One of the user's own batches; raises NotFound."""
    row = session().get(PrintBatch, batch_id, populate_existing=True)
    if row is None or row.user_id != user.id:
        raise NotFound
    return row


def read_file(batch: PrintBatch) -> bytes:
    """The PDF of a finished batch; raises NotFound when it is gone."""
    path = _file(batch.id)
    if batch.state != "done" or not path.exists():
        raise NotFound(N_("文件已过一天，已删除；请从证书台账再次打印。"))
    return read_encrypted(path)


def remove(batch_id: UUID) -> None:
    """Delete the file; the row and the logged prints stay (§5.1: no residual data)."""
    _file(batch_id).unlink(missing_ok=True)
    with transaction(Operation("remove_print_batch")) as current:
        current.get_one(PrintBatch, batch_id).state = "removed"


def _write(batch: PrintBatch, job_id: UUID | None) -> None:
    user = User.get(batch.user_id)
    if user is None or not user.is_active:
        raise NotAllowed
    refused = _log(user, batch)
    wanted = [UUID(key) for key in batch.certificate_ids if key not in {row["id"] for row in refused}]
    _note(batch.id, done=0, refused=refused)
    if not wanted:
        raise Conflict(N_("所选证书都不能打印。"))
    pages = pdf.new_pdf(batch.title, style=faces.STYLE)
    ordered = printable(user, wanted, with_numbers=True)
    for n in range(0, len(ordered), FACES_PER_SLICE):
        part: Sequence[Certificate] = ordered[n : n + FACES_PER_SLICE]
        collected = faces.faces_of(part, batch.address, (batch.shift_x, batch.shift_y), _style(batch))
        pages.add(pdf.render(faces.TEMPLATE, {"title": batch.title, "faces": collected}))
        _note(batch.id, done=n + len(part))
        if job_id is not None:
            jobs.extend_lease(job_id)
    write_encrypted(_file(batch.id), pages.content())


def _log(user: User, batch: PrintBatch) -> list[dict[str, Any]]:
    """Log one print each in a transaction of its own; returns those that are refused, with the reason."""
    logged = printed_in(batch.id)
    refused = []
    for key in batch.certificate_ids:
        if UUID(key) in logged:
            continue
        try:
            certificates.print_certificate(user, UUID(key), batch.reason, batch.id, _style(batch))
        except Exception as error:
            why = refusal_of(error, "print_batch").first
            refused.append({"id": key, "text": why.text, "values": {k: str(v) for k, v in why.values.items()}})
    return refused


def _style(batch: PrintBatch) -> FaceStyle:
    return FaceStyle.parse({"layout": batch.layout, "language": batch.language})


def _note(batch_id: UUID, **values: Any) -> None:
    with transaction(Operation("print_batch_progress")) as current:
        row = current.get_one(PrintBatch, batch_id)
        for name, value in values.items():
            setattr(row, name, value)


def _end(batch_id: UUID, state: str, error: str | None = None) -> None:
    _note(batch_id, state=state, ended_at=now(), error=error and error[:2000])


def _file(batch_id: UUID) -> Path:
    return settings().data_dir / "prints" / f"{batch_id}.pdf.sealed"


def _job(name: str, batch: PrintBatch, after: timedelta) -> Job:
    at = now() + after
    return Job(id=new_id(), kind="effect", name=name, due_at=at, run_at=at, payload={"batch_id": str(batch.id)})


jobs.SIDE_EFFECTS |= {
    EFFECT: lambda payload, job_id: write(UUID(payload["batch_id"]), job_id),
    REMOVAL: lambda payload, _job: remove(UUID(payload["batch_id"])),
}
