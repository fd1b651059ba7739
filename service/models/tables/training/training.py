"""Plans, classes, enrolments, scores, refresher records, and the projection of who needs which training."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.db.encryption import PersonalText
from service.models.db.session import Base
from service.models.db.tracked import Audited
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import Organisation

TRAINING_KINDS = ("initial", "refresher", "renewal")
LIVE_ENROLLMENT = ("pending", "confirmed", "checked_in", "scored", "makeup", "certifying")
ENDED_ENROLLMENT = ("completed", "failed", "rejected", "withdrawn", "no_show", "cancelled", "terminated")
CLASS_STATES = ("draft", "enrolling", "enrolment_closed", "running", "scored", "confirmed", "completed", "cancelled")


class TrainingPlan(Audited, Base):
    """A year's plan of a class (R33 applies to its owner).

    Its time is a month, or a quarter, or left open; hours: training hours.
    """

    __tablename__ = "training_plan"
    year: Mapped[int]
    title: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    month: Mapped[int | None]
    quarter: Mapped[int | None]
    place: Mapped[str | None] = mapped_column(String(100))
    capacity: Mapped[int | None]
    hours: Mapped[int | None]
    note: Mapped[str | None] = mapped_column(PersonalText)
    state: Mapped[str] = mapped_column(String(10), default="draft")
    cancel_reason: Mapped[str | None] = mapped_column(PersonalText)
    __table_args__ = (
        CheckConstraint(f"kind IN {TRAINING_KINDS}", name="kind"),
        CheckConstraint("state IN ('draft', 'published', 'closed', 'cancelled')", name="state"),
        CheckConstraint("month IS NULL OR (month BETWEEN 1 AND 12 AND quarter IS NULL)", name="month"),
        CheckConstraint("quarter IS NULL OR quarter BETWEEN 1 AND 4", name="quarter"),
        CheckConstraint("capacity IS NULL OR capacity >= 1", name="capacity"),
        Index(None, "year", "id"),
    )


class TrainingClass(Audited, Base):
    """A class (domain.md §7). pass_mark in tenths, taken: seats taken (guarded update, R40); enrolment_closed: by its
    organiser or its last day, whatever the state (R38, R86); states of §8 written by its case.
    """

    __tablename__ = "training_class"
    code: Mapped[str] = mapped_column(String(30), unique=True)
    title: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("training_plan.id"))
    organiser_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    place: Mapped[str] = mapped_column(String(100))
    enrol_from: Mapped[date]
    enrol_until: Mapped[date]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    hours: Mapped[int]
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    qualification_types: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    pass_mark: Mapped[int] = mapped_column(default=600)
    makeup_allowed: Mapped[bool] = mapped_column(default=True)
    open_to_other_provinces: Mapped[bool] = mapped_column(default=False)
    contact: Mapped[str | None] = mapped_column(PersonalText)
    body: Mapped[str | None] = mapped_column(PersonalText)
    state: Mapped[str] = mapped_column(String(18), default="draft")
    stage: Mapped[str | None] = mapped_column(String(30))
    enrolment_closed: Mapped[bool] = mapped_column(default=False)
    cancel_reason: Mapped[str | None] = mapped_column(PersonalText)
    case_id: Mapped[UUID | None]
    organiser: Mapped[Organisation] = relationship(foreign_keys=[organiser_id], lazy="raise_on_sql")
    institution: Mapped[Organisation] = relationship(foreign_keys=[institution_id], lazy="raise_on_sql")
    __table_args__ = (
        CheckConstraint(f"kind IN {TRAINING_KINDS}", name="kind"),
        CheckConstraint(f"state IN {CLASS_STATES}", name="state"),
        CheckConstraint(
            "enrol_from <= enrol_until AND enrol_until <= starts_on AND starts_on <= ends_on", name="dates"
        ),
        CheckConstraint("capacity >= 1 AND taken BETWEEN 0 AND capacity", name="seats"),
        CheckConstraint("pass_mark BETWEEN 0 AND 1000", name="pass_mark"),
        Index(None, "state", "starts_on", "id"),
    )


class Enrollment(Audited, Base):
    """A person's way through a class; its state is written only by its case (training_enrollment), with the name that
    the diagram gives it where that is a step of its own (stage).

    unit_id and authority_id follow the person while pending (R42); snapshot keeps unit, authority, type, certificate
    and need of the day of enrolment for reports.
    """

    __tablename__ = "enrollment"
    class_id: Mapped[UUID] = mapped_column(ForeignKey("training_class.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    authority_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    via: Mapped[str] = mapped_column(String(12))
    enrolled_by: Mapped[UUID | None]
    enrolled_on: Mapped[date]
    kind: Mapped[str] = mapped_column(String(10))
    needs_confirmation: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(12), default="pending")
    stage: Mapped[str | None] = mapped_column(String(30))
    reason: Mapped[str | None] = mapped_column(PersonalText)
    attempts: Mapped[int] = mapped_column(default=0)
    ended_on: Mapped[date | None]
    case_id: Mapped[UUID]
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    training_class: Mapped[TrainingClass] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    unit: Mapped[Organisation] = relationship(foreign_keys=[unit_id], lazy="raise_on_sql")
    __table_args__ = (
        CheckConstraint(f"state IN {LIVE_ENROLLMENT + ENDED_ENROLLMENT}", name="state"),
        CheckConstraint("via IN ('group', 'enterprise', 'province', 'association', 'institution')", name="via"),
        Index("uq_enrollment_live_person", "person_id", unique=True, postgresql_where=f"state IN {LIVE_ENROLLMENT}"),
        Index("uq_enrollment_case", "case_id", unique=True),
        Index("ix_enrollment_class", "class_id", "unit_id", "authority_id", postgresql_include=["state", "kind", "id"]),
        Index(None, "unit_id", "id"),
        Index(None, "authority_id", "state", "id"),
        Index(None, "person_id", "id"),
        Index("ix_enrollment_completed", "ended_on", "person_id", "kind", postgresql_where="state = 'completed'"),
    )


class Score(Audited, Base):
    """One attempt's score: value in tenths 0–1000, None for absent (缺考, R49)."""

    __tablename__ = "score"
    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.id"))
    attempt: Mapped[int]
    value: Mapped[int | None]
    entered_by: Mapped[UUID | None]
    submitted_at: Mapped[datetime]
    confirmed_by: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None]
    return_reason: Mapped[str | None] = mapped_column(PersonalText)
    __table_args__ = (
        CheckConstraint("attempt IN (1, 2)", name="attempt"),
        CheckConstraint("value IS NULL OR value BETWEEN 0 AND 1000", name="value"),
        Index("uq_score_attempt", "enrollment_id", "attempt", unique=True),
    )


class RefresherRecord(Audited, Base):
    """A completed refresher of a certificate, one per calendar year (R54)."""

    __tablename__ = "refresher_record"
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificate.id"))
    year: Mapped[int]
    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.id"))
    completed_on: Mapped[date]
    hours: Mapped[int]
    score: Mapped[int | None]
    __table_args__ = (Index("uq_refresher_record_year", "certificate_id", "year", unique=True),)


class TrainingNeed(Base):
    """The training a person needs today: a projection of the decision, with the decision's version.

    unit_id, qualification_type_id and state repeat the person's, as the listener keeps them (training_need_listener),
    so that figures of a country are read from this one narrow table.
    """

    __tablename__ = "training_need"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    need: Mapped[str] = mapped_column(String(12))
    as_of: Mapped[date]
    reference_date: Mapped[date]
    valid_to: Mapped[date | None]
    certificate_id: Mapped[UUID | None]
    decision: Mapped[str] = mapped_column(String(64))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    qualification_type_id: Mapped[UUID] = mapped_column(ForeignKey("qualification_type.id"))
    state: Mapped[str] = mapped_column(String(14))
    __table_args__ = (
        Index(None, "need", "person_id"),
        Index(None, "valid_to", "person_id"),
        Index(None, "as_of"),
        Index(None, "unit_id", "state", "need"),
    )
