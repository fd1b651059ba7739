"""Cases and what belongs to them: state, tasks (the inbox), jobs, incidents, the journal.

Written by ``workflow`` only.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import EncryptedText, PersonalJson
from service.models.db.ids import new_id
from service.models.db.row_mark import Marked
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.db.written_in import WrittenIn


class Case(Base):
    """One execution of a definition. state: the engine's bytes, inline;
    seq: last row of the journal; last_hash: its hash.

    subject, unit_id, authority_id, institution_id, organiser_id: what lists show and scope needs, given by the
    process's ``describe`` handler. ended: how it ended (id of the last end event) once ended_at is set.
    suspended_at: since when it does nothing but be mended.
    """

    __tablename__ = "case_instance"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    process: Mapped[str] = mapped_column(String(80))
    definition: Mapped[str] = mapped_column(ForeignKey("definition_version.digest"))
    business_key: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[bytes]
    seq: Mapped[int]
    last_hash: Mapped[str] = mapped_column(String(64))
    awaited: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    subject: Mapped[str] = mapped_column(String(200), default="")
    unit_id: Mapped[UUID | None]
    authority_id: Mapped[UUID | None]
    institution_id: Mapped[UUID | None]
    organiser_id: Mapped[UUID | None]
    started_at: Mapped[datetime] = mapped_column(default=now)
    started_by: Mapped[UUID | None]
    moved_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    ended: Mapped[str | None] = mapped_column(String(120))
    incidents: Mapped[int] = mapped_column(default=0)
    suspended_at: Mapped[datetime | None]
    __table_args__ = (
        Index(None, "process", "started_at", "id"),
        Index(None, "started_at", "id"),
        Index("ix_case_instance_incidents", "started_at", "id", postgresql_where="incidents > 0"),
        Index(
            "ix_case_instance_subject_characters",
            text("string_to_array(lower(subject), NULL)"),
            postgresql_using="gin",
        ),
        Index("ix_case_instance_number", text('"right"(id::text, 12)')),
        Index(None, "business_key"),
        Index(None, "definition", "id", postgresql_where="ended_at IS NULL"),
        Index(None, "authority_id", "started_at"),
        Index(None, "unit_id", "started_at"),
        {"postgresql_with": {"fillfactor": "60"}},
    )


class TaskState(StrEnum):
    """States of a task."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class JobState(StrEnum):
    """States of a job; cleared: its token has gone."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CLEARED = "cleared"


class Task(Base):
    """A user task: the row of the inbox, addressed to a role and an organisation when it opened (invariant 6).

    kind: ``process/element``; batch: id of what it is grouped by (a class); sort_at: due or opened, for paging.
    """

    __tablename__ = "task"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_instance.id"))
    token: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(160))
    element: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    process: Mapped[str] = mapped_column(String(80))
    definition: Mapped[str] = mapped_column(String(64))
    form_key: Mapped[str | None] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(24))
    organisation_id: Mapped[UUID]
    assignee_id: Mapped[UUID | None]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    follow_up_at: Mapped[datetime | None]
    sort_at: Mapped[datetime]
    priority: Mapped[int] = mapped_column(default=50)
    subject: Mapped[str] = mapped_column(String(200), default="")
    summary: Mapped[str] = mapped_column(String(300), default="")
    unit_name: Mapped[str] = mapped_column(String(100), default="")
    batch: Mapped[str | None] = mapped_column(String(40))
    batch_title: Mapped[str | None] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(String(10), default=TaskState.OPEN)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    __table_args__ = (
        CheckConstraint(f"state IN {tuple(map(str, TaskState))}", name="state"),
        Index("ix_task_inbox", "organisation_id", "role", "sort_at", "id", postgresql_where="state = 'open'"),
        Index(
            "ix_task_inbox_kind", "organisation_id", "role", "kind", "sort_at", "id", postgresql_where="state = 'open'"
        ),
        Index(
            "ix_task_assignee", "assignee_id", "sort_at", postgresql_where="state = 'open' AND assignee_id IS NOT NULL"
        ),
        Index(None, "case_id", "token"),
        Index("ix_task_closed_by", "closed_by", "closed_at", postgresql_where="state = 'completed'"),
    )


class Job(Base):
    """Something to be done later (invariant 2): a timer, automatic or external work,
    a message to a case, an outside effect.

    name: topic, message or effect; coalesce: pending jobs of a case that are equal are done as one;
    locked_until: the lease.
    """

    __tablename__ = "job"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_instance.id"))
    token: Mapped[str | None] = mapped_column(String(20))
    element: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(120), default="")
    due_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    coalesce: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(8), default=JobState.PENDING)
    retries: Mapped[int] = mapped_column(default=3)
    locked_by: Mapped[str | None] = mapped_column(String(80))
    locked_until: Mapped[datetime | None]
    run_at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (
        CheckConstraint("kind IN ('timer', 'async', 'external', 'message', 'signal', 'effect')", name="kind"),
        CheckConstraint(f"state IN {tuple(map(str, JobState))}", name="state"),
        Index("ix_job_due", "run_at", postgresql_where="state = 'pending' AND kind <> 'external'"),
        Index("ix_job_external", "name", "run_at", postgresql_where="state = 'pending' AND kind = 'external'"),
        Index("ix_job_case", "case_id", "token"),
        Index("ix_job_coalesce", "case_id", "coalesce", postgresql_where="state = 'pending' AND coalesce IS NOT NULL"),
    )


class Incident(Base):
    """A job or input that failed for good; shown on the case and retried from there."""

    __tablename__ = "incident"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_instance.id"), index=True)
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id"))
    element: Mapped[str] = mapped_column(String(200), default="")
    message: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(default=now)
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]


class JournalRow(Marked, WrittenIn, Base):
    """One input that moved a case: append-only, hash-chained (invariant 3). ``record`` is the engine's row, canonical.

    The columns beside it repeat what is searched for; ``anpei verify`` compares them with the record.
    """

    __tablename__ = "journal"
    __marked__ = ("case_id", "seq", "hash")
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_instance.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    actor_id: Mapped[UUID | None]
    element: Mapped[str | None] = mapped_column(String(200))
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)
    hash: Mapped[str] = mapped_column(String(64))
    __table_args__ = (
        Index(None, "at"),
        Index(None, "actor_id", "at"),
        Index(None, "written_in", postgresql_using="brin"),
    )


class PersonalValue(Base):
    """A form field marked personal: its value and a random salt;
    the journal holds this row's id and the salted digest.
    """

    __tablename__ = "personal_value"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_instance.id"), index=True)
    seq: Mapped[int]
    field: Mapped[str] = mapped_column(String(60))
    value: Mapped[str | None] = mapped_column("sealed", EncryptedText)
    salt: Mapped[bytes | None]
    erased_at: Mapped[datetime | None]


class Submission(Base):
    """An idempotency key of a batch (``complete_many``): the answer is given again, nothing is done twice."""

    __tablename__ = "submission"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(default=now)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class CaseDocument(Audited, Base):
    """A paper that a diagram made of its case: by which input and element, and its words with the values of then
    (``domain.notices.words``).
    """

    __tablename__ = "case_document"
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_instance.id"), index=True)
    seq: Mapped[int]
    element: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(PersonalJson)

    @staticmethod
    def of(case_id: UUID) -> list[CaseDocument]:
        """The papers of a case in the order they were made."""
        query = select(CaseDocument).where(CaseDocument.case_id == case_id)
        return list(session().scalars(query.order_by(CaseDocument.seq, CaseDocument.created_at, CaseDocument.id)))
