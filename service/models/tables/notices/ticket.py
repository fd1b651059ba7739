"""Support tickets (R69): the ticket, its conversation, and the numbers it is known by."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, defer, mapped_column, relationship

from service.models.db.encryption import EncryptedBytes, PersonalText
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation

KINDS = ("technical", "ordering", "repair", "complaint")
TICKET_STATES = ("open", "in_progress", "waiting_user", "resolved", "closed")
REPAIR_STEPS = ("received", "inspecting", "repairing", "testing", "returned")


class Ticket(Audited, Base):
    """A question, order, repair or complaint. Its state is written by its case only, with the name that the
    diagram gives it (stage).

    desk_role, desk_id: who answers it, a role of an organisation; accused_id: the account a complaint is about, who may
    neither see nor answer it; progress, expected_on: how far a repair is, in the desk's words; device, step: what is
    repaired, and which of ``domain.tickets.RepairStep`` it has come to.
    """

    __tablename__ = "ticket"
    number: Mapped[str] = mapped_column(String(12), unique=True)
    kind: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str] = mapped_column(String(100))
    body: Mapped[str] = mapped_column(PersonalText)
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    state: Mapped[str] = mapped_column(String(12), default="open")
    stage: Mapped[str | None] = mapped_column(String(30))
    desk_role: Mapped[str | None] = mapped_column(String(24))
    desk_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    accused_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    progress: Mapped[str] = mapped_column(PersonalText, default="")
    device: Mapped[str | None] = mapped_column(PersonalText)
    step: Mapped[str | None] = mapped_column(String(12))
    expected_on: Mapped[date | None]
    rating: Mapped[int | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_instance.id"), index=True)
    requester: Mapped[User] = relationship(lazy="raise_on_sql", foreign_keys=requester_id)
    organisation: Mapped[Organisation] = relationship(lazy="raise_on_sql", foreign_keys=organisation_id)
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {TICKET_STATES}", name="state"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint("accused_id IS NULL OR kind = 'complaint'", name="accused"),
        CheckConstraint(f"step IN {REPAIR_STEPS}", name="step"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        Index(None, "requester_id", "id"),
        Index(None, "desk_id", "desk_role", "id"),
    )


class TicketMessage(Audited, Base):
    """One line of the conversation. kind: who speaks and why (``MESSAGE_KINDS``); author_id: None for the system."""

    __tablename__ = "ticket_message"
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[str] = mapped_column(String(10))
    body: Mapped[str] = mapped_column(PersonalText)
    __table_args__ = (
        CheckConstraint("kind IN ('note', 'progress', 'ask', 'reply', 'resolve', 'reopen', 'system')", name="kind"),
        Index(None, "ticket_id", "created_at"),
    )


class TicketFile(Audited, Base):
    """A checked file of a ticket; message_id: of the line it came with, None for the question. size in bytes, plain."""

    __tablename__ = "ticket_file"
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket_message.id"))
    name: Mapped[str] = mapped_column(PersonalText)
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column("sealed", EncryptedBytes)

    @staticmethod
    def of(ticket_id: UUID) -> list[TicketFile]:
        """The files of a ticket without their content, in the order they were added."""
        query = select(TicketFile).options(defer(TicketFile.content)).where(TicketFile.ticket_id == ticket_id)
        return list(session().scalars(query.order_by(TicketFile.created_at, TicketFile.id)))


class TicketSerial(Base):
    """The last serial of a year's tickets."""

    __tablename__ = "ticket_serial"
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0)

    @staticmethod
    def take(year: int) -> str:
        """The next number: ``KF``, the year and six digits; one that exists already is skipped (R78)."""
        while True:
            number = TicketSerial._advance(year)
            if session().scalar(select(Ticket.id).where(Ticket.number == number)) is None:
                return number

    @staticmethod
    def _advance(year: int) -> str:
        query = text(
            "INSERT INTO ticket_serial (year, last) VALUES (:year, 1) "
            "ON CONFLICT (year) DO UPDATE SET last = ticket_serial.last + 1 RETURNING last"
        )
        return f"KF{year}{session().execute(query, {'year': year}).scalar_one():06d}"
