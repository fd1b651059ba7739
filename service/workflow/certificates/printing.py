"""Print many certificates as one file in the background: log the prints, lay out the faces, encrypt the file (R58)."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.certificates.certificates import CertificateState, obstacle_to_printing
from service.domain.certificates.faces import FaceStyle, Packaging
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound
from service.infrastructure.documents import pdf
from service.infrastructure.documents.pdf_merger import merge
from service.infrastructure.documents.pdf_pool import Answer, Piece, Request, lay_out, print_piece
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries import stored_files
from service.models.queries.certificates.print_list import printable, printed_in, record_progress
from service.models.queries.lease import LEASE, Lease, LeaseLost
from service.models.queries.stored_files import delete_file, delete_parts, file_sizes, write_file
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.runtime.case import Job
from service.models.tables.system.audit import AuditEvent
from service.validation.characters import LINE, is_storable
from service.validation.messages import NOT_STORABLE
from service.workflow.certificates import certificates, faces
from service.workflow.certificates.printer_calibration import Shift
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import jobs

MAX_FACES = 500  # faces of one file
FOREGROUND_FACES = 2  # faces that take less than two seconds
FACES_PER_SLICE = 6  # faces of a part: fonts cost much a part, pages that wait to be written memory
EFFECT, REMOVAL = "print_batch", "print_batch.remove"


class Cancelled(Exception):
    """The user has cancelled the batch."""


def obstacle(certificate: Certificate, reason: str = "") -> Message | None:
    """Say why this certificate cannot be part of the file; one reason serves all further prints."""
    has_photo = certificate.person.has_approved_photo
    return obstacle_to_printing(to_domain(certificate), has_photo, certificate.printed_count, reason)


def begin_batch(
    user: User,
    ids: Iterable[UUID],
    title: str,
    reason: str,
    address: str,
    shift: Shift = (0, 0),
    style: FaceStyle | None = None,
    packaging: Packaging = Packaging.PDF,
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
        packaging=str(packaging),
    )
    with transaction(Operation("begin_print_batch", user.id)) as current:
        current.add(batch)
        detail = {"certificates": batch.total}  # the reason stands encrypted in the batch that the event is about
        current.add(AuditEvent.by(user, "print_batch", "print_batch", batch.id, detail=detail))
        current.add(_job(REMOVAL, batch, stored_files.LIFETIME))
        job = _job(EFFECT, batch, LEASE if _is_small(batch) else timedelta())
        job.id = batch.id
        current.add(job)
    return batch


def write_if_small(batch: PrintBatch) -> None:
    """Write a file of few faces while the reader waits; nothing when another request or a worker is at it."""
    if _is_small(batch):
        jobs.run_at_once(batch.id)


def write(batch_id: UUID, lease: Lease) -> None:
    """Log the prints and write the file; doing it again after a failure prints nothing twice and lays out only what is
    not there. A failure is noted, then raised; a batch that its user cancels meanwhile ends without a file.
    """
    batch = session().get_one(PrintBatch, batch_id, populate_existing=True)
    if batch.state not in ("running", "failed"):
        return
    try:
        _write(batch, lease)
    except LeaseLost:
        raise
    except Cancelled:
        session().rollback()
        with transaction(Operation("print_batch_cancelled")) as current:
            delete_parts(current, batch_id)
    except Exception as error:
        session().rollback()
        _fail(batch_id, f"{type(error).__name__}: {error}", lease)
        raise


def cancel(user: User, batch_id: UUID) -> None:
    """End a batch of the user's own that is not done; prints that were logged stay logged. Raises Conflict."""
    with transaction(Operation("cancel_print_batch", user.id)) as current:
        query = select(PrintBatch).where(PrintBatch.id == batch_id, PrintBatch.user_id == user.id).with_for_update()
        row = current.scalars(query.execution_options(populate_existing=True)).one_or_none()
        if row is None:
            raise NotFound
        if row.state not in ("running", "failed"):
            raise Conflict(N_("这一批已经结束，不能取消。"))
        row.state, row.ended_at = "cancelled", now()


def find_batch(user: User, batch_id: UUID) -> PrintBatch:
    """One of the user's own batches; raises NotFound."""
    row = session().get(PrintBatch, batch_id, populate_existing=True)
    if row is None or row.user_id != user.id:
        raise NotFound
    return row


def read_file(batch: PrintBatch) -> tuple[int, Iterator[bytes]]:
    """The size and the pieces of the PDF or ZIP of a finished batch; raises NotFound when it is gone."""
    size = file_sizes(batch.id).get("")
    if batch.state != "done" or size is None:
        raise NotFound(N_("文件已过一天，已删除；请从证书台账再次打印。"))
    return size, stored_files.read_file(batch.id)


def remove(batch_id: UUID) -> None:
    """Delete the file; the row and the logged prints stay (§5.1: no residual data)."""
    with transaction(Operation("remove_print_batch")) as current:
        delete_file(current, batch_id)
        delete_parts(current, batch_id)
        current.get_one(PrintBatch, batch_id).state = "removed"


def _write(batch: PrintBatch, lease: Lease) -> None:
    user = User.get(batch.user_id)
    if user is None or not user.is_active:
        raise NotAllowed
    refused = _log(user, batch, lease)
    wanted = [UUID(key) for key in batch.certificate_ids if key not in {row["id"] for row in refused}]
    _refuse(batch.id, refused, lease)
    if not wanted:
        raise Conflict(N_("所选证书都不能打印。"))
    ordered = printable(user, wanted)
    names = [f"{one.number}-{one.edition}.pdf" for one in ordered]
    ids = [one.id for one in ordered]
    slices = [ids[n : n + FACES_PER_SLICE] for n in range(0, len(ids), FACES_PER_SLICE)]
    parts = _parts(user, batch, slices, lease)
    _finish(batch.id, _packed(batch, names, parts), lease)


def _parts(user: User, batch: PrintBatch, slices: Sequence[Sequence[UUID]], lease: Lease) -> list[list[str]]:
    """Lay the slices out that are not there yet, and note the progress face by face; returns their files, in order.

    What a file is called follows from what stands in it: a slice whose facts have changed since is laid out again.
    """
    files: list[list[str]] = []
    known = file_sizes(batch.id)
    laid = 0

    def requests() -> Iterator[Request]:
        nonlocal laid
        for key, part in enumerate(slices):
            pieces = _pieces(batch, printable(user, part, with_numbers=True))
            session().rollback()  # nothing of the database is held while faces are laid out
            files.append([_part(key, piece) for piece in pieces])
            if all(name in known for name in files[key]):
                laid += len(part)
                continue
            yield Request(key, pieces, faces.STYLE)

    for answer in _laid_out(requests(), len(slices)):
        if answer.files:
            with lease.extended() as connection:
                for name, content in zip(files[answer.key], answer.files, strict=True):
                    write_file(connection, batch.id, io.BytesIO(content), name)
        else:
            laid += 1
        _progress(batch.id, laid, lease)
    _progress(batch.id, laid, lease)
    return files


def _laid_out(requests: Iterator[Request], slices: int) -> Iterator[Answer]:
    """Few faces are laid out here: starting a process takes longer."""
    if slices > 1:
        yield from lay_out(requests)
        return
    for request in requests:
        contents = tuple(print_piece(piece, request.style) for piece in request.pieces)
        yield from (Answer(request.key) for parts, _ in request.pieces for _ in parts)
        yield Answer(request.key, contents)


def _pieces(batch: PrintBatch, part: Sequence[Certificate]) -> tuple[Piece, ...]:
    collected = faces.faces_of(part, batch.address, (batch.shift_x, batch.shift_y), _style(batch))
    pages = [pdf.render(faces.TEMPLATE, {"title": faces.TITLE, "faces": [face]}) for face in collected]
    if batch.packaging == Packaging.PDF:
        return ((tuple(pages), ""),)
    return tuple(((page,), _contact(batch, certificate)) for page, certificate in zip(pages, part, strict=True))


def _contact(batch: PrintBatch, certificate: Certificate) -> str:
    """The address under which a file is signed: one of a certificate that is not approved yet is not signed."""
    return batch.address.format(certificate.verify_token) if certificate.state == CertificateState.VALID else ""


def _packed(batch: PrintBatch, names: Sequence[str], parts: Sequence[Sequence[str]]) -> bytes:
    contents = (b"".join(stored_files.read_file(batch.id, name)) for part in parts for name in part)
    if batch.packaging == Packaging.PDF:
        return merge(contents, faces.TITLE)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in zip(names, contents, strict=True):
            packed.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _progress(batch_id: UUID, laid: int, lease: Lease) -> None:
    """Note how many faces are laid out, and extend the lease; raises Cancelled when the user has ended the batch."""
    if record_progress(batch_id, laid, lease) == "cancelled":
        raise Cancelled


def _part(key: int, piece: Piece) -> str:
    parts, contact = piece
    digest = hashlib.sha256("\0".join((*parts, contact)).encode()).hexdigest()
    return f"{key:04d}-{digest[:24]}"


def _log(user: User, batch: PrintBatch, lease: Lease) -> list[dict[str, Any]]:
    """Log one print each in a transaction of its own; returns those that are refused, with the reason."""
    logged = printed_in(batch.id)
    refused = []
    for n, key in enumerate(batch.certificate_ids):
        if UUID(key) in logged:
            continue
        if n % FACES_PER_SLICE == 0:
            _progress(batch.id, 0, lease)
        try:
            with transaction(Operation("print_certificate", user.id)):
                lease.hold()
                certificates.print_certificate(user, UUID(key), batch.reason, batch.id, _style(batch))
        except LeaseLost:
            raise
        except Exception as error:
            why = refusal_of(error, "print_batch").first
            refused.append({"id": key, "text": why.text, "values": {k: str(v) for k, v in why.values.items()}})
    return refused


def _style(batch: PrintBatch) -> FaceStyle:
    return FaceStyle.parse({"layout": batch.layout, "language": batch.language})


def _refuse(batch_id: UUID, refused: list[dict[str, Any]], lease: Lease) -> None:
    with transaction(Operation("print_batch_progress")) as current:
        lease.hold()
        current.get_one(PrintBatch, batch_id).refused = refused


def _finish(batch_id: UUID, content: bytes, lease: Lease) -> None:
    """Let the file be seen, and end the job, together; raises Cancelled, LeaseLost."""
    with transaction(Operation("print_batch_progress")) as current:
        lease.complete()
        row = current.get_one(PrintBatch, batch_id, with_for_update=True, populate_existing=True)
        if row.state == "cancelled":
            raise Cancelled
        row.state, row.ended_at, row.error = "done", now(), None
        write_file(current, batch_id, io.BytesIO(content))
        delete_parts(current, batch_id)


def _fail(batch_id: UUID, error: str, lease: Lease) -> None:
    with transaction(Operation("print_batch_progress")) as current:
        lease.hold()
        row = current.get_one(PrintBatch, batch_id, with_for_update=True, populate_existing=True)
        if row.state != "cancelled":  # in the last moment
            row.state, row.ended_at, row.error = "failed", now(), error[:2000]


def _is_small(batch: PrintBatch) -> bool:
    return batch.total <= FOREGROUND_FACES


def _job(name: str, batch: PrintBatch, after: timedelta) -> Job:
    at = now() + after
    return Job(id=new_id(), kind="effect", name=name, due_at=at, run_at=at, payload={"batch_id": str(batch.id)})


jobs.SIDE_EFFECTS |= {
    EFFECT: lambda payload, lease: write(UUID(payload["batch_id"]), lease),
    REMOVAL: lambda payload, _lease: remove(UUID(payload["batch_id"])),
}
