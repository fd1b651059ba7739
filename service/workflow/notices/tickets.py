"""Support tickets as their requester sees them: hand one in, add to its conversation, files.

What the desk does are tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.notices.attachments import PICTURES_AND_PDF
from service.domain.notices.tickets import TicketKind, TicketState, obstacle_to_speaking
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.notices.tickets import answering_accounts
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.notices.ticket import (
    Ticket,
    TicketFile,
    TicketMessage,
    TicketSerial,
)
from service.models.tables.system import setting
from service.validation.form_reader import FormReader
from service.validation.messages import NOT_AN_OPTION
from service.workflow.attachments import check_attachment
from service.workflow.runtime import tasks

MAX_TEXT_LENGTH = 2000  # characters of a question or a line
MEGABYTE = 1024 * 1024
MAX_FILES = 30  # of a whole ticket

Files = Sequence[tuple[str, bytes]]
"""Name and content of each upload."""


def open_ticket(user: User, raw: Mapping[str, Any], files: Files = ()) -> Ticket:
    """Hand in a ticket: kind, subject, body, for a complaint whom it is about,
    for a repair the device. Raises InvalidInput.

    files: pictures and PDF, seen by whoever sees the ticket; errors of them stand at ``files``.
    """
    if not may(Role(user.role), Action.OPEN_TICKET):
        raise NotAllowed
    entry = FormReader(raw)
    kind = entry.choice("kind", [k.value for k in TicketKind], required=True)
    subject = entry.text("subject", 100, required=True)
    body = _body(entry)
    device = entry.text("device", 100, required=True) if kind == TicketKind.REPAIR else None
    accused = entry.id("accused", required=False) if kind == TicketKind.COMPLAINT else None
    if accused is not None and accused not in {row[0] for row in answering_accounts()}:
        entry.refuse("accused", NOT_AN_OPTION)
    checked = entry.parse(_check_files, files, 0) or []
    entry.check()
    with transaction(Operation("open_ticket", user.id)) as current:
        ticket = Ticket(
            id=new_id(),
            number=TicketSerial.take(today().year),
            kind=kind,
            subject=subject,
            body=body,
            requester_id=user.id,
            organisation_id=user.organisation_id,
            accused_id=accused,
            device=device,
        )
        current.add(ticket)
        current.flush()
        _keep(ticket, None, checked)
        tasks.start(user, "support_ticket", {"ticket_id": str(ticket.id)}, business_key=ticket.number)
    return ticket


def say(user: User, ticket_id: UUID, raw: Mapping[str, Any], files: Files = ()) -> TicketMessage:
    """Add a line, files, or both to the conversation without moving the ticket. Raises Conflict when it is closed."""
    with transaction(Operation("say_in_ticket", user.id)) as current:
        ticket = get_or_404_in_scope(user, Ticket, ticket_id)
        if obstacle := obstacle_to_speaking(TicketState(ticket.state)):
            raise Conflict(obstacle)
        current.execute(select(Ticket.id).where(Ticket.id == ticket.id).with_for_update())
        count = select(func.count()).select_from(TicketFile).where(TicketFile.ticket_id == ticket.id)
        entry = FormReader(raw)
        body = _body(entry, must=not files)
        checked = entry.parse(_check_files, files, current.scalar(count) or 0) or []
        entry.check()
        line = TicketMessage(id=new_id(), ticket_id=ticket.id, author_id=user.id, kind="note", body=body)
        current.add(line)
        current.flush()
        _keep(ticket, line.id, checked)
    return line


def open_file(user: User, ticket_id: UUID, file_id: UUID) -> tuple[TicketFile, bytes]:
    """A file of a ticket in scope, and its content. Raises NotFound."""
    ticket = get_or_404_in_scope(user, Ticket, ticket_id)
    query = select(TicketFile).where(TicketFile.id == file_id, TicketFile.ticket_id == ticket.id)
    file = session().scalars(query).one_or_none()
    if file is None:
        raise NotFound
    return file, file.content


def visible_ticket(user: User, ticket_id: UUID) -> Ticket:
    """A ticket in scope, with who asks and from where; raises NotFound."""
    session().expire_all()
    return get_or_404_in_scope(user, Ticket, ticket_id, joinedload(Ticket.requester), joinedload(Ticket.organisation))


def _body(entry: FormReader, must: bool = True) -> str:
    """Read the text of a message; '' for none or a wrong one."""
    return entry.lines("body", MAX_TEXT_LENGTH, required=must) or ""


def _check_files(files: Files, known: int) -> list[tuple[str, str, bytes]]:
    """Name, media type and content of each. Raises InvalidInput at ``files``, naming the one that is wrong."""
    most = setting.number("attachments")
    if len(files) > most:
        raise InvalidInput({"files": Message(N_("一次最多 %(most)s 个文件。"), most=most)})
    if known + len(files) > MAX_FILES:
        raise InvalidInput({"files": Message(N_("一份工单最多 %(most)s 个文件，请另提新工单。"), most=MAX_FILES)})
    checked = []
    for name, data in files:
        try:
            clean, kind = check_attachment(
                name, data, setting.number("attachment_megabytes") * MEGABYTE, "files", PICTURES_AND_PDF
            )
        except InvalidInput as invalid:
            said = Message(N_("“%(name)s”：%(why)s"), name=name[:60], why=invalid.fields["files"])
            raise InvalidInput({"files": said}) from None
        checked.append((clean, kind, data))
    return checked


def _keep(ticket: Ticket, message_id: UUID | None, files: Sequence[tuple[str, str, bytes]]) -> None:
    for name, kind, data in files:
        row = TicketFile(id=new_id(), ticket_id=ticket.id, message_id=message_id, name=name, media_type=kind)
        row.size, row.content = len(data), data
        session().add(row)
