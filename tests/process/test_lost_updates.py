"""Two who change one row at once: the second is told so or comes after the first, and no change is lost (R58, R74)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm.exc import StaleDataError

from service.errors import AnpeiError
from service.models.db.clock import MovingClock
from service.models.db.errors import refusal_of
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.db.transaction import Operation, transaction
from service.models.tables.certificate import Certificate, PrintRecord
from service.models.tables.user import User
from service.operations.certificates import FIRST_PRINT
from service.workflow.accounts import account_profiles, administration
from service.workflow.certificates import certificates
from service.workflow.notices import bulletins
from service.workflow.persons import person_records
from service.workflow.training import plans
from tests.api.test_security_doors import PERSON, PLAN
from tests.builders.stage import Stage, make_stage
from tests.builders.world import authority_id, identity_number, make_certificate, make_user

AUDITED = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, Audited)]
Act = Callable[[Callable[[str], User]], Any]
"""What somebody does; it is given the accounts by name."""


def _certificate(stage: Stage, _serial: int) -> Mapping[str, Act]:
    found = make_certificate(stage.person()).id
    return {
        "print": lambda who: certificates.print_certificate(who("association"), found),
        "print again": lambda who: certificates.print_certificate(who("colleague"), found, "污损"),
        "revoke": lambda who: certificates.revoke(who("ministry"), found, "伪造材料。"),
    }


def _person(stage: Stage, serial: int) -> Mapping[str, Act]:
    given = PERSON | {"id_number": identity_number(serial)}
    found = person_records.save_person(stage.enterprise, None, given).id
    return {
        "name": lambda who: person_records.save_person(who("enterprise"), found, given | {"name": "李己巳"}),
        "post": lambda who: person_records.save_person(who("enterprise"), found, given | {"post": "安全科长"}),
        "delete": lambda who: person_records.delete_draft(who("enterprise"), found),
    }


def _plan(stage: Stage, _serial: int) -> Mapping[str, Act]:
    found = plans.save_plan(stage.province, PLAN).id
    return {
        "title": lambda who: plans.save_plan(who("province"), PLAN | {"title": "第三期"}, found),
        "seats": lambda who: plans.save_plan(who("province"), PLAN | {"capacity": "60"}, found),
        "publish": lambda who: plans.publish_plan(who("province"), found),
        "cancel": lambda who: plans.cancel_plan(who("province"), found, "报名人数不足。"),
    }


def _bulletin(stage: Stage, _serial: int) -> Mapping[str, Act]:
    written = {"title": "通报", "body": "请按时完成。"}
    found = bulletins.save_bulletin(stage.association, written).id
    return {
        "title": lambda who: bulletins.save_bulletin(who("association"), written | {"title": "通知"}, found),
        "publish": lambda who: bulletins.publish_bulletin(who("association"), found),
        "delete": lambda who: bulletins.delete_bulletin(who("association"), found),
    }


def _account(stage: Stage, _serial: int) -> Mapping[str, Act]:
    found = make_user("ministry", authority_id("ministry")).id
    names = {"display_name": "张甲子"}
    return {
        "name": lambda who: account_profiles.modify_user(who("sys_admin"), found, {"display_name": "钱乙丑"}),
        "phone": lambda who: account_profiles.modify_user(who("sys_admin"), found, names | {"phone": "13800000001"}),
        "disable": lambda who: administration.disable_user(who("sys_admin"), found),
        "sign out": lambda who: administration.end_sessions(who("security_admin"), found),
    }


NOUNS = {
    "certificate": _certificate,
    "person": _person,
    "plan": _plan,
    "bulletin": _bulletin,
    "account": _account,
}


def _accounts(stage: Stage) -> dict[str, UUID]:
    stage_users = ("association", "colleague", "ministry", "province", "enterprise")
    made = {role: make_user(role, authority_id("platform")).id for role in ("sys_admin", "security_admin")}
    return {name: getattr(stage, name).id for name in stage_users} | made


def _race(app: Flask, accounts: Mapping[str, UUID], acts: list[Act]) -> list[Exception | None]:
    """Let each act begin at the same moment; how each ended, None for well."""
    together = Barrier(len(acts))

    def run(act: Act) -> Exception | None:
        with app.app_context():
            try:
                together.wait()
                act(lambda name: User.get(accounts[name]))
            except Exception as error:
                return error
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def _lost() -> dict[str, int]:
    """The changes of rows that the history tells and the rows do not have, by table."""
    session().rollback()
    found = {}
    for table in {row.__tablename__ for row in AUDITED}:
        query = text(
            f"SELECT count(*) FROM {table} t WHERE t.version <> 1 + "
            "(SELECT count(*) FROM row_change WHERE table_name = :table AND row_id = t.id AND kind = 'update')"
        )
        found[table] = session().scalar(query, {"table": table}) or 0
    return {table: count for table, count in found.items() if count}


@pytest.mark.parametrize("noun", NOUNS)
def test_acts_on_one_row_at_once_lose_nothing(app: Flask, clock: MovingClock, noun: str) -> None:
    """Every act with itself and with each of its neighbours: each is done, or refused with what to do."""
    stage = make_stage()
    accounts, before = _accounts(stage), _lost()
    names = list(NOUNS[noun](stage, 900))
    done: set[str] = set()
    for serial, pair in enumerate(itertools.combinations_with_replacement(names, 2)):
        acts = NOUNS[noun](stage, serial)
        raced = [*pair, *pair, pair[0]]
        ends = dict(enumerate(_race(app, accounts, [acts[name] for name in raced])))
        faults = {raced[n]: repr(end) for n, end in ends.items() if end and not _is_refusal(end)}
        assert not faults, pair
        done |= {raced[n] for n, end in ends.items() if end is None}
        assert any(end is None for end in ends.values()), pair
    assert done == set(names)
    assert _lost() == before


def _is_refusal(error: Exception) -> bool:
    said = error if isinstance(error, AnpeiError) else refusal_of(error)
    return said is not None and said.status < 500


@pytest.mark.parametrize(("reason", "prints"), [("污损", 10), ("", 1)])
def test_r58_a_certificate_printed_ten_times_at_once_counts_each_print(
    app: Flask, clock: MovingClock, reason: str, prints: int
) -> None:
    """R58: with a reason each is a further print or the first; without, one is the first and nine are refused"""
    stage = make_stage()
    found, accounts = make_certificate(stage.person()).id, _accounts(stage)
    ends = _race(app, accounts, [lambda who: certificates.print_certificate(who("association"), found, reason)] * 10)
    assert sum(end is None for end in ends) == prints
    assert all(end is None or _is_refusal(end) for end in ends)
    session().rollback()
    assert session().get_one(Certificate, found).printed_count == prints
    reasons = session().scalars(select(PrintRecord.reason).where(PrintRecord.certificate_id == found)).all()
    assert reasons == [reason or FIRST_PRINT] * prints
    assert _lost() == {}


def test_every_audited_row_is_written_under_the_version_that_was_read(app: Flask, clock: MovingClock) -> None:
    """Of each table that the office has rows of: two read, the second to write is refused and writes no history."""
    make_certificate(make_stage().person())
    tried = set()
    for kind in AUDITED:
        assert kind.__mapper__.version_id_col is kind.__table__.c.version
        if (row_id := session().scalar(select(kind.id).limit(1))) is None:
            continue

        def change(kind: Any = kind, row_id: UUID = row_id) -> None:
            with app.app_context(), transaction(Operation("test")) as current:
                current.get_one(kind, row_id).updated_at = clock.now() + timedelta(hours=1)

        def change_late(kind: Any = kind, row_id: UUID = row_id) -> None:
            with transaction(Operation("test")) as current:
                row = current.get_one(kind, row_id)
                assert row.version
                with ThreadPoolExecutor(1) as other:
                    other.submit(change).result()
                row.updated_at = clock.now() + timedelta(hours=2)

        with pytest.raises(StaleDataError) as stale:
            change_late()
        said = refusal_of(stale.value)
        assert said
        assert said.status == 409
        tried.add(kind.__tablename__)
    assert {"certificate", "person", "organisation", "user_account", "photo", "qualification_type"} <= tried
    assert _lost() == {}
