"""The demonstration runs the real processes: what it leaves is proved by re-execution and shows every stage."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select

from service import demo
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Incident, Task
from service.models.tables.system.audit import RowChange
from service.models.tables.training.training import TrainingClass
from service.workflow.processes import definitions
from service.workflow.runtime import history
from service.workflow.versions import backtests


def test_the_demonstration_is_filled_once_and_every_case_of_it_can_be_proved(app: Any, clock: Any) -> None:
    clock.move_to(datetime(2026, 11, 24, 3, tzinfo=UTC))
    assert demo.fill(share=0.12)
    assert not demo.fill()
    assert session().scalar(select(func.count()).select_from(Incident)) == 0
    assert list(history.verify()) == []
    _tests_alike_against_itself()
    _shows_every_stage()
    _tells_the_seed_example()
    _shows_what_follows()


def _tests_alike_against_itself() -> None:
    """A back-test of each version on its own cases, ended ones too, finds no difference."""
    found = backtests.Tally()
    for listed in definitions.listing():
        cases = backtests.cases_of(None, listed.version.key, None, backtests.MAX_SAMPLE)
        for tested in backtests.run_over(definitions.definition(listed.version.digest), cases, 1):
            found.add(tested)
    assert (found.cases, list(found.counts)) == ([], ["same"])
    assert found.done == session().scalar(select(func.count()).select_from(Case))


def _shows_every_stage() -> None:
    states = set(session().scalars(select(TrainingClass.state)))
    assert states == {
        "draft",
        "enrolling",
        "enrolment_closed",
        "running",
        "scored",
        "confirmed",
        "completed",
        "cancelled",
    }
    assert set(session().scalars(select(TrainingClass.kind))) == {"initial", "refresher", "renewal"}
    assert session().scalar(select(func.count()).select_from(TrainingClass)) == 12
    assert set(session().scalars(select(Person.state))) == {"draft", "pending", "approved", "rejected", "deregistered"}
    assert {
        "ministry",
        "association",
        "province-37",
        "province-42",
        "institution-1",
        "group-1",
        "enterprise-1",
        "branch-1",
    } <= set(session().scalars(select(User.login)))


def _tells_the_seed_example() -> None:
    """S72–S76, C1: valid to 2013-10-31 was renewed, to 2016-10-31 (R56); valid to 2014-10-31 took a refresher."""
    old = {
        c.valid_to: c.state
        for c in session().scalars(select(Certificate).where(Certificate.valid_to < date(2017, 1, 1)))
    }
    assert old[date(2013, 10, 31)] == "superseded"
    assert date(2016, 10, 31) in old
    assert old[date(2014, 10, 31)] != "superseded"
    assert (
        session().scalar(select(func.count()).select_from(RowChange).where(RowChange.table_name == "refresher_record"))
        >= 1
    )
    assert session().scalar(select(func.count()).select_from(Case).where(Case.ended_at.is_not(None))) > 50


def _shows_what_follows() -> None:
    """R62, R64, R69: revoked, deregistered and reissued certificates, hand-outs, tickets of every kind."""
    states = set(session().scalars(select(Certificate.state)))
    assert {"valid", "superseded", "revoked", "deregistered", "void"} <= states
    assert {"completed", "approved", "returned", "requested"} == set(session().scalars(select(Reissue.state)))
    assert set(session().scalars(select(Ticket.kind))) == {"technical", "ordering", "repair", "complaint"}
    assert set(session().scalars(select(Ticket.state))) == {"open", "in_progress", "waiting_user", "resolved", "closed"}
    assert session().scalar(select(func.count()).select_from(PrintRecord).where(PrintRecord.received_on.is_not(None)))
    waiting = select(func.count()).select_from(Task)
    assert session().scalar(waiting.where(Task.element == "deregister_certificate", Task.state == "open"))
