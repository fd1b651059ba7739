"""Rows of published classes: load, count enrolments, send messages to their cases, publish notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from service.domain.notices.notices import NoticeKind, NoticeState, words
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.values.calendar import DAY, start_of_day
from service.errors import Message, NotFound
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.notices.notice import Notice
from service.models.tables.training.training import Enrollment, TrainingClass
from service.operations.context import Context

CLASS_DEADLINES = "enrol_ends_at starts_at check_in_by"
"""Names of the instants that ``compute_deadlines`` gives."""


def load_class(class_id: UUID) -> TrainingClass:
    """Load a class with organiser and institution."""
    return session().scalars(_whole_class().where(TrainingClass.id == class_id)).one()


def load_class_of_case(context: Context, *, lock: bool = False) -> TrainingClass:
    """Load the class that the case itself has drafted, never one that case data name.

    ``lock`` keeps its seats as they are until the commit. Raises NotFound when the case has no class.
    """
    query = _whole_class().where(TrainingClass.case_id == context.case_id)
    if lock:
        query = query.with_for_update(of=TrainingClass).execution_options(populate_existing=True)
    found = session().scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def _whole_class() -> Select[TrainingClass]:
    return select(TrainingClass).options(joinedload(TrainingClass.organiser), joinedload(TrainingClass.institution))


def compute_deadlines(row: TrainingClass) -> dict[str, str]:
    """Compute the instants that timers and due dates of its case are set by, as ISO text."""
    return {
        "enrol_ends_at": start_of_day(row.enrol_until + DAY).isoformat(),
        "starts_at": start_of_day(row.starts_on).isoformat(),
        "check_in_by": f"{row.ends_on}T18:00:00",
    }


def count_enrollments(row: TrainingClass) -> dict[EnrollmentState, int]:
    """Count the enrolments of the class by state."""
    query = select(Enrollment.state, func.count()).where(Enrollment.class_id == row.id).group_by(Enrollment.state)
    return {EnrollmentState(state): count for state, count in session().execute(query)}


def message_enrollments(
    row: TrainingClass, context: Context, states: Sequence[EnrollmentState], message: str, payload: dict[str, Any]
) -> None:
    """Send a message to every enrolment of the class in these states."""
    query = select(Enrollment.case_id).where(Enrollment.class_id == row.id, Enrollment.state.in_(states))
    for case_id in session().scalars(query.order_by(Enrollment.id)):
        context.send_message(case_id, message, payload)


def publish_class_notice(
    row: TrainingClass, context: Context, title: Message, body: Sequence[Message | str], **audience: list[str]
) -> None:
    """Publish a notice about the class.

    audience: ``roles``, ``authorities``, ``units`` (ids as text); a kind that is not given does not narrow the readers.
    """
    session().add(
        Notice(
            id=new_id(),
            kind=NoticeKind.NOTICE,
            title=str(title)[:200],
            body="\n".join(map(str, body)),
            facts=words(title, body),
            author_id=row.organiser_id,
            class_id=row.id,
            state=NoticeState.PUBLISHED,
            published_at=context.at,
            **audience,
        )
    )
