"""Rules of the trade as queries: acts that auditors look at, whatever the diagrams of the day allowed.

Every query has the same columns: key (unique), at, first_at, case_id, process, subject, element, who and other (ids of
accounts), note and number (of certificates).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import String, and_, cast, func, literal, null, or_, select, tuple_, union, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from service.domain.values.calendar import start_of_day
from service.models.db.pagination import SortOrder
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, CertificateSerial, NumberOwner
from service.models.tables.runtime.case import Case, Task, TaskState

SEPARATED = (
    ("record_score", "confirm_score"),
    ("print_certificate", "approve_certificate"),
    ("approve_correction", "assent_identity"),
)
"""Elements of one case that two persons are to do (R51, R59, R77)."""
CONFIRMATIONS = (
    *("confirm_enrollment", "approve_person", "review_reissue", "approve_correction", "assent_identity"),
    *("assent_correction", "approve_change"),
)
HURRY = timedelta(minutes=1)  # between entering and confirming
NIGHT = (22, 6)  # from the one hour to the other, in China
_First, _Second = aliased(Task), aliased(Task)


def _element(task: Any) -> Any:
    return func.split_part(task.element, "/", -1)


def _act(task: Any, other: Any = None, first_at: Any = None) -> list[Any]:
    """The columns of a completed task, and of what came before it."""
    return [
        cast(task.id, String).label("key"),
        task.closed_at.label("at"),
        (cast(null(), task.closed_at.type) if first_at is None else first_at).label("first_at"),
        Case.id.label("case_id"),
        Case.process.label("process"),
        Case.subject.label("subject"),
        task.name.label("element"),
        task.closed_by.label("who"),
        (task.closed_by if other is None else other).label("other"),
        literal("").label("note"),
        literal(0).label("number"),
    ]


def _pairs(*conditions: Any) -> Any:
    """Two completed tasks of one case, the second after the first."""
    query = select(*_act(_Second, _First.closed_by, _First.closed_at)).join(Case, Case.id == _Second.case_id)
    query = query.join(_First, and_(_First.case_id == _Second.case_id, _First.closed_at <= _Second.closed_at))
    done = (_First.state == TaskState.COMPLETED, _Second.state == TaskState.COMPLETED)
    query = query.where(*done, *conditions).ext(distinct_on(_Second.id))
    return query.order_by(_Second.id, _First.closed_at.desc())


def same_person() -> Any:
    """Both of two steps that are to be separated were done by one account, or the starter confirmed the own start."""
    both = _pairs(
        tuple_(_element(_First), _element(_Second)).in_(SEPARATED), _First.closed_by == _Second.closed_by
    ).subquery()
    started = select(*_act(Task, Case.started_by, Case.started_at)).join(Case, Case.id == Task.case_id)
    started = started.where(
        Task.state == TaskState.COMPLETED, Task.closed_by == Case.started_by, _element(Task).in_(CONFIRMATIONS)
    )
    return union(select(both), started)


def within_a_minute() -> Any:
    """A score was confirmed within a minute of being entered: hardly looked at."""
    pair = tuple_(_element(_First), _element(_Second)) == tuple_(literal("record_score"), literal("confirm_score"))
    return _pairs(pair, _Second.closed_at - _First.closed_at < HURRY)


def at_night() -> Any:
    """Tasks that were done, and cases that were started by somebody, between ten at night and six."""

    def is_night(at: Any) -> Any:
        hour = func.extract("hour", func.timezone("Asia/Shanghai", at))
        return or_(hour >= NIGHT[0], hour < NIGHT[1])

    tasks = select(*_act(Task)).join(Case, Case.id == Task.case_id)
    tasks = tasks.where(Task.state == TaskState.COMPLETED, Task.closed_by.is_not(None), is_night(Task.closed_at))
    columns = {column.name: column for column in _act(Task)}
    given = columns | {"key": cast(Case.id, String), "at": Case.started_at, "who": Case.started_by}
    given |= {"other": Case.started_by, "element": literal("")}
    starts = select(*(value.label(name) for name, value in given.items())).select_from(Case)
    return union_all(tasks, starts.where(Case.started_by.is_not(None), is_night(Case.started_at)))


def number_gaps() -> Any:
    """Serials of a province and year that no certificate bears, before the one that follows them or at the end."""
    numbers = union(
        select(Certificate.number, Certificate.created_at.label("at")), select(NumberOwner.number, null().label("at"))
    ).subquery()
    given = select(
        func.max(numbers.c.number).label("number"),
        func.left(numbers.c.number, 6).label("series"),
        func.substr(numbers.c.number, 7, 7).label("serial"),
        func.max(numbers.c.at).label("at"),
    )
    own = CertificateSerial.province + cast(CertificateSerial.year, String) == func.left(numbers.c.number, 6)
    given = given.join(CertificateSerial, own).where(
        func.length(numbers.c.number) == 14,
        func.substr(numbers.c.number, 7, 7) <= func.lpad(cast(CertificateSerial.last, String), 7, "0"),
    )
    rows = given.group_by(func.left(numbers.c.number, 6), func.substr(numbers.c.number, 7, 7)).subquery()
    ends = select(
        literal("").label("number"),
        (CertificateSerial.province + cast(CertificateSerial.year, String)).label("series"),
        func.lpad(cast(CertificateSerial.last + 1, String), 7, "0").label("serial"),
        null().label("at"),
    )
    every = union_all(select(rows), ends).subquery()
    serial = cast(every.c.serial, CertificateSerial.last.type)
    before = func.coalesce(func.lag(serial).over(partition_by=every.c.series, order_by=serial), 0)
    at = func.coalesce(every.c.at, func.max(every.c.at).over(partition_by=every.c.series))
    missing = (serial - before - 1).label("missing")
    found = select(every.c.series, every.c.serial, at.label("at"), missing, before.label("before")).subquery()
    return select(
        func.concat(found.c.series, found.c.serial).label("key"),
        func.coalesce(found.c.at, func.to_timestamp(0)).label("at"),
        cast(null(), Case.started_at.type).label("first_at"),
        cast(null(), Case.id.type).label("case_id"),
        literal("").label("process"),
        literal("").label("subject"),
        literal("").label("element"),
        cast(null(), Case.id.type).label("who"),
        cast(null(), Case.id.type).label("other"),
        func.concat(found.c.series, func.lpad(cast(found.c.before + 1, String), 7, "0")).label("note"),
        found.c.missing.label("number"),
    ).where(found.c.missing > 0)


RULES: dict[str, Callable[[], Any]] = {
    "same_person": same_person,
    "within_a_minute": within_a_minute,
    "at_night": at_night,
    "number_gaps": number_gaps,
}


def checked(chosen: ReportFilter) -> tuple[Any, SortOrder]:
    """The rows of the chosen rule, latest first, with logins. since, until: civil days, both included."""
    rows = RULES[chosen.kind or next(iter(RULES))]().subquery()
    doer, other = aliased(User), aliased(User)
    query = select(*rows.c, doer.login.label("login"), other.login.label("other_login"))
    query = query.outerjoin(doer, doer.id == rows.c.who).outerjoin(other, other.id == rows.c.other)
    if chosen.since:
        query = query.where(rows.c.at >= start_of_day(chosen.since))
    if chosen.until:
        query = query.where(rows.c.at < start_of_day(chosen.until + timedelta(days=1)))
    return query, SortOrder((rows.c.at, rows.c.key), is_descending=True)
