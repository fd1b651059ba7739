"""应培训人员名单: the persons behind the figures of due_training.py, with what each is to do next (S85, S105)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from service.domain.training.training_need import Need
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.db.clock import today
from service.models.db.pagination import SortOrder
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment, TrainingClass, TrainingNeed
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import flag
from service.reports.due_training import DUE, NEEDS, OPEN, finished, kind_of, registered
from service.reports.framework import columns
from service.reports.framework.filters import PROVINCE, TYPE, UNIT, choice
from service.reports.framework.report import OFFICIAL, UNITS, CellType, Column, Report, Row
from service.reports.framework.table import PagedTable

Province, Live = aliased(Organisation), aliased(Enrollment)


class Progress(Labelled):
    """Progress of a person with this year's training."""

    WAITING = "waiting", N_("未报名")
    LIVE = "live", N_("在训")
    DONE = "done", N_("本年已完成")


COLUMNS = (
    columns.PERSON,
    columns.SEX,
    columns.ID_NUMBER,
    columns.PROVINCE,
    columns.UNIT,
    columns.TYPE,
    columns.NUMBER,
    columns.VALID_TO,
    Column("reference_date", N_("标准点"), CellType.DAY, is_minor=True),
    Column("need", N_("应参加"), CellType.LABEL),
    columns.STATE,
    Column("class_title", N_("在训班次"), is_minor=True),
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """The persons who are due, expired, or done this year."""
    done = finished(today())
    states = _states(done)
    query = _narrowed(select(Person.id).select_from(TrainingNeed), user, chosen, states, done)
    query = query.join(Person, Person.id == TrainingNeed.person_id)
    counted = _narrowed(
        select(TrainingNeed.person_id).select_from(TrainingNeed), user, chosen, states, done, is_counted=True
    )
    counted = counted.add_columns(*(flag(condition).label(name) for name, condition in states.items()))
    details: Callable[[list[UUID]], Any] = lambda ids: _details(user, ids)  # noqa: E731
    order = SortOrder((Person.sort_key, Person.id))
    return PagedTable(COLUMNS, query, order, _cells, tuple(states), details=details, counted=counted)


def _states(done: Any) -> dict[str, Any]:
    is_due = TrainingNeed.need.in_(OPEN)
    is_done = and_(done.c.person_id.is_not(None), ~is_due)
    return {"waiting": and_(is_due, Live.id.is_(None)), "live": and_(is_due, Live.id.is_not(None)), "done": is_done}


def _narrowed(query: Any, user: User, chosen: ReportFilter, states: Any, done: Any, *, is_counted: bool = False) -> Any:
    """Joins only what the filter or the count asks for."""
    if chosen.province:
        query = query.join(Organisation, Organisation.id == TrainingNeed.unit_id)
    if is_counted or chosen.state:
        query = query.outerjoin(Live, _is_live()).outerjoin(done, done.c.person_id == TrainingNeed.person_id)
    return query.where(*registered(user, chosen), *_conditions(chosen, states, done))


def _is_live() -> Any:
    return and_(Live.person_id == TrainingNeed.person_id, Live.state.in_(LIVE_ENROLLMENT))


def _details(user: User, ids: list[UUID]) -> Any:
    """Select the cells of these persons."""
    done = finished(today(), ids)
    return (
        select(
            Person.id,
            Person.id.label("person_id"),
            Person.name,
            Person.sex,
            Person.id_number_masked,
            Organisation.name.label("unit_name"),
            Province.name.label("province"),
            QualificationType.name.label("type_name"),
            Certificate.number,
            Certificate.id.label("certificate_id"),
            TrainingNeed.valid_to,
            TrainingNeed.reference_date,
            TrainingNeed.need,
            TrainingClass.title.label("class_title"),
            TrainingClass.id.label("class_id"),
            *(flag(condition).label(name) for name, condition in _states(done).items()),
        )
        .join(TrainingNeed, TrainingNeed.person_id == Person.id)
        .join(Organisation, Organisation.id == Person.unit_id)
        .join(QualificationType, QualificationType.id == Person.qualification_type_id)
        .outerjoin(Province, Province.id == Organisation.authority_id)
        .outerjoin(Certificate, Certificate.id == TrainingNeed.certificate_id)
        .outerjoin(Live, _is_live())
        .outerjoin(TrainingClass, and_(TrainingClass.id == Live.class_id, visible_to(user, TrainingClass)))
        .outerjoin(done, done.c.person_id == Person.id)
        .where(Person.id.in_(ids))
    )


def _conditions(chosen: ReportFilter, states: dict[str, Any], done: Any) -> list[Any]:
    """``kind`` asks for those due of a kind, or done with one; without a choice, everybody who is due or expired."""
    found = [states[chosen.state]] if chosen.state else []
    if chosen.need:
        found.append(TrainingNeed.need.in_(DUE.get(chosen.need, (chosen.need,))))
    elif chosen.kind and chosen.state == Progress.DONE:
        found.append(done.c.kind == chosen.kind)
    elif chosen.kind:
        found.append(TrainingNeed.need.in_(DUE[chosen.kind]))
    elif not chosen.state:
        found.append(TrainingNeed.need.in_((*OPEN, "expired")))
    return found


def _cells(row: Any) -> Row:
    state = next((p for p in Progress if getattr(row, p)), None)
    return {
        **columns.person(row),
        **columns.plain(
            row,
            "unit_name",
            "province",
            "type_name",
            "number",
            "certificate_id",
            "valid_to",
            "reference_date",
            "class_title",
            "class_id",
        ),
        "need": columns.label(Need, row.need),
        "need_code": row.need,
        "state": state.label if state else None,
        "state_code": str(state or ""),
        "kind_code": kind_of(row.need),
    }


REPORT = Report(
    name="due-persons",
    title=N_("应培训人员名单"),
    roles=OFFICIAL | UNITS,
    read=read,
    note=N_("由“应培训情况统计”的数字进入；未报名的可以直接去报名。"),
    filters=(
        PROVINCE,
        UNIT,
        TYPE,
        choice("kind", NEEDS[:3], N_("全部类型")),
        choice("need", NEEDS, N_("全部应参加类型")),
        choice("state", tuple(Progress), N_("全部状态")),
    ),
    summary=((N_("未报名"), "waiting"), (N_("在训"), "live"), (N_("本年已完成"), "done")),
    sign="people",
    position=20,
)
