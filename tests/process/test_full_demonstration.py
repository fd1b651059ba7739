"""Full-scale data at a small share: proved by re-execution, with true projections and rows as the use cases write them."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from service import demo
from service.domain.training.enrollment_state import LIVE_STATES, EnrollmentState, takes_seat
from service.models.db.clock import now, today
from service.models.db.session import session
from service.models.queries.training.training_need_facts import facts_of
from service.models.tables.certificates.certificate import Certificate, CertificateSerial, NumberOwner
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import (
    Case,
    Incident,
    Job,
    JournalRow,
    Task,
)
from service.models.tables.system.audit import RowChange
from service.models.tables.training.training import (
    Enrollment,
    RefresherRecord,
    TrainingClass,
    TrainingNeed,
)
from service.workflow.runtime import history
from service.workflow.training import enrollments
from tests.bench.full_scale.fill import fill
from tests.bench.full_scale.plan import Scale

SHARE = Scale(units=60, persons=250, classes=60, enrolments=750)
MADE = ("training_enrollment", "personnel_approval", "training_class", "certificate_deregistration")


def test_every_case_of_it_is_proved_and_every_projection_is_true(app: Any, clock: Any) -> None:
    clock.move_to(datetime(2026, 11, 24, 3, tzinfo=UTC))
    assert fill(SHARE, workers=0)
    assert not fill(SHARE, workers=0)
    assert list(history.verify()) == []  # chain, plain library, stored state and inbox
    assert session().scalar(select(func.count()).select_from(Incident)) == 0
    _counts_are_right()
    _needs_are_right()
    _certificates_are_right()
    _timers_wait_for_what_is_open()
    _every_state_is_there()


def _counts_are_right() -> None:
    assert session().scalar(select(func.count()).select_from(Person)) == SHARE.persons
    seats: Counter[Any] = Counter()
    states = defaultdict(set)
    for class_id, state in session().execute(select(Enrollment.class_id, Enrollment.state)):
        seats[class_id] += takes_seat(EnrollmentState(state))
        states[class_id].add(state)
    assert abs(sum(1 for _ in session().scalars(select(Enrollment.id))) - SHARE.enrolments) < SHARE.enrolments / 20
    for found in session().scalars(select(TrainingClass)):
        assert found.taken == seats[found.id] <= found.capacity
        assert found.state != "completed" or not states[found.id] & set(LIVE_STATES)


def _needs_are_right() -> None:
    """The projection says what the table decides from the rows, for everybody (R22–R29)."""
    rows = {row.person_id: row for row in session().scalars(select(TrainingNeed))}
    known = facts_of(list(rows), today())
    fresh = enrollments.decide_all(known)
    for person_id, row in rows.items():
        assert (row.need, row.as_of) == (fresh[person_id], today())
        assert str(row.valid_to) == str(known[person_id].facts["valid_to"])
        assert row.certificate_id == known[person_id].certificate_id
    for person in session().scalars(select(Person)):
        row = rows[person.id]
        assert (row.unit_id, row.qualification_type_id, row.state) == (
            person.unit_id,
            person.qualification_type_id,
            person.state,
        )
    for found in session().scalars(select(Enrollment)):
        assert found.snapshot["need"] == found.kind


def _certificates_are_right() -> None:
    """Serials without a gap, each number owned by its holder, one refresher a year."""
    issued: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    holders = {row.id: row.id_number_digest for row in session().scalars(select(Person))}
    owners = dict(session().execute(select(NumberOwner.number, NumberOwner.owner)).all())
    for row in session().scalars(select(Certificate)):
        assert bytes(owners[row.number]) == bytes(holders[row.person_id])
        if len(row.number) == 14:
            issued[row.number[:2], int(row.number[2:6])].add(int(row.number[6:13]))
    last = {(row.province, row.year): row.last for row in session().scalars(select(CertificateSerial))}
    assert {key: set(range(1, n + 1)) for key, n in last.items()} == issued
    assert session().scalar(select(func.count()).select_from(RefresherRecord))


def _timers_wait_for_what_is_open() -> None:
    """Nothing is overdue, and every pending timer belongs to a running case."""
    pending = select(Job).where(Job.state == "pending", Job.kind == "timer")
    for job in session().scalars(pending):
        assert job.due_at > now()
        assert session().get_one(Case, job.case_id).ended_at is None


def _every_state_is_there() -> None:
    """What a role meets at full scale is there at the share, but for what is too rare for it."""
    assert {"draft", "enrolling", "completed", "cancelled"} <= set(session().scalars(select(TrainingClass.state)))
    states = set(session().scalars(select(Enrollment.state)))
    assert {"pending", "confirmed", "completed", "failed", "rejected", "withdrawn", "no_show"} <= states
    kinds = set(session().scalars(select(Task.kind).where(Task.state == "open")))
    assert {"training_enrollment/check_in", "training_enrollment/confirm_enrollment"} <= kinds


def test_its_rows_have_the_form_that_the_use_cases_write(app: Any, clock: Any) -> None:
    """What was copied in is told from what production writes by nothing but its data: keys of journal, history and inbox."""
    clock.move_to(datetime(2026, 11, 24, 3, tzinfo=UTC))
    demo.fill(share=0.05)
    inputs, changes, facts = _inputs(), _changes(), _facts()
    demo.empty()
    fill(SHARE, workers=0)
    for key, forms in _inputs().items():
        assert key not in inputs or forms <= inputs[key], key
    for change, columns in _changes().items():
        assert change in changes
        assert columns <= changes[change], change
    for kind, names in _facts().items():
        assert kind not in facts or names <= facts[kind], kind


def _inputs() -> dict[Any, set[Any]]:
    """Process, kind and element of every input, with the keys of what was typed and what each topic answered."""
    found = defaultdict(set)
    query = select(Case.process, JournalRow.record).join(Case, Case.id == JournalRow.case_id)
    for process, record in session().execute(query.where(Case.process.in_(MADE))):
        calls = tuple((element, topic, frozenset(result)) for element, topic, result in record["calls"])
        key = (process, record["kind"], record["element"], tuple(call[0] for call in calls))
        found[key].add((frozenset(record["data"]), calls))
    return found


def _changes() -> dict[tuple[str, str], set[str]]:
    """The columns that the history of what cases changed names, by table and kind of change."""
    tables = ("enrollment", "score", "certificate", "print_record", "refresher_record", "training_class", "person")
    found = defaultdict(set)
    in_cases = select(RowChange).join(Case, Case.id == RowChange.case_id).where(RowChange.table_name.in_(tables))
    for row in session().scalars(in_cases.where(Case.process.in_(MADE))):
        found[row.table_name, row.kind] |= set(row.after or ())
    return found


def _facts() -> dict[str, set[str]]:
    """What inbox rows tell, by kind of task."""
    found = defaultdict(set)
    for kind, facts in session().execute(select(Task.kind, Task.facts)):
        found[kind] |= set(facts)
    return found
