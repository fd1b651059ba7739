"""Definitions of processes: immutable bundles, addressed by the digest of their contents."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import PersonalText
from service.models.db.ids import new_id
from service.models.db.session import Base
from service.models.db.tracked import Audited

CHANGE_STATES = ("proposed", "approved", "refused", "withdrawn", "superseded")


class DefinitionVersion(Base):
    """One version of a process: number from 1 per key; source: file (of ``processes/``), cli, page, rest or studio;
    english: of its Chinese texts.

    ``current`` is what new cases take; a version that was never current waits for approval, or did not get it.
    deployed_by: an account; deployed_as: user and machine of the operating system, where nobody signed in. note: of
    whoever deployed it. proof: what the gate warned of when it let the bundle pass; since it came
    into force its model tests and the last back-test.
    """

    __tablename__ = "definition_version"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(80))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    main: Mapped[str] = mapped_column(String(120))
    source: Mapped[str] = mapped_column(String(10), default="file")
    current: Mapped[bool] = mapped_column(default=True)
    english: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")
    deployed_at: Mapped[datetime] = mapped_column(default=now)
    deployed_by: Mapped[UUID | None]
    deployed_as: Mapped[str] = mapped_column(String(120), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    proof: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    __table_args__ = (
        Index("uq_definition_version_number", "key", "number", unique=True),
        Index("uq_definition_version_current", "key", unique=True, postgresql_where="current"),
    )


class DefinitionFile(Base):
    """A file of a bundle, stored once per content."""

    __tablename__ = "definition_file"
    definition: Mapped[str] = mapped_column(ForeignKey("definition_version.digest"), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    content: Mapped[bytes]


class DeploymentFault(Base):
    """A reason why a file of ``processes/`` was refused at the last start; the last good version stays in force."""

    __tablename__ = "deployment_fault"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    file: Mapped[str] = mapped_column(String(200), index=True)
    line: Mapped[int]
    element: Mapped[str] = mapped_column(String(200))
    zh: Mapped[str] = mapped_column(String(2000))
    en: Mapped[str] = mapped_column(String(2000))


class ProcessDraft(Base):
    """The next version of a process as people work on it: one for each key. base: digest of what it began with, None
    for a new process; files: texts by name; version counts the times it was saved.
    """

    __tablename__ = "process_draft"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    base: Mapped[str | None] = mapped_column(String(64))
    files: Mapped[dict[str, str]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(default=1)
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    saved_at: Mapped[datetime] = mapped_column(default=now)


class ProcessChange(Audited, Base):
    """A version that somebody proposes and somebody else approves; ``state`` is written by the handlers of its case.

    replaces: digest of what was in force when it was proposed; proposed_as: user and machine of the operating system,
    where nobody signed in; comment: why it was refused. superseded: the same files came into force without approval.
    """

    __tablename__ = "process_change"
    key: Mapped[str] = mapped_column(String(80))
    definition: Mapped[str] = mapped_column(ForeignKey("definition_version.digest"))
    replaces: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(500), default="")
    proposer_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    proposed_as: Mapped[str] = mapped_column(String(120), default="")
    state: Mapped[str] = mapped_column(String(10), default="proposed")
    comment: Mapped[str | None] = mapped_column(PersonalText)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_instance.id"), index=True)
    __table_args__ = (
        CheckConstraint(f"state IN {CHANGE_STATES}", name="state"),
        Index("uq_process_change_open", "definition", unique=True, postgresql_where="state = 'proposed'"),
    )
