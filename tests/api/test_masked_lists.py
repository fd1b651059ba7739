"""Masked means not findable (domain.md §9, D15): no filter of any list, export or REST query tells a masked value from one that nobody has."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.domain.persons.identity import check_character
from service.errors import NotFound
from service.models.db.clock import MovingClock
from service.models.queries.camunda.history import ACTIVITIES, PAST_INSTANCES
from service.models.queries.camunda.listing import ListQuery, ListRequest
from service.models.queries.camunda.runtime import INCIDENTS, INSTANCES, JOBS, TASKS
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import authority_id
from service.reports import _BY_NAME, read_list
from service.reports.framework.filters import Control, FilterField
from service.reports.framework.report import Report
from service.workflow.system import exports
from tests.builders.stage import Stage, enroll, known, make_stage, publish_class
from tests.builders.world import authority_user, make_unit, make_user, sign_in

NAME = "欧阳鑫淼"
NUMBER = "11000019770619583"
NUMBER += check_character(NUMBER)
PHONE, MAIL = "13877665544", "hidden-part@example.cn"
HIDDEN = {"number": (NUMBER, NUMBER[3:14], NUMBER[5:9]), "phone": (PHONE, PHONE[3:7]), "mail": (MAIL, "hidden-part")}
NAMES = (NAME, NAME[1:], NAME[1], NAME[-1], "%" + NAME[1] + "%")
ABSENT = "龘"
LISTINGS = {
    "task": TASKS,
    "process-instance": INSTANCES,
    "history/process-instance": PAST_INSTANCES,
    "history/activity-instance": ACTIVITIES,
    "job": JOBS,
    "incident": INCIDENTS,
}


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    """A person whose enrolment runs, and an account that is reached by the same telephone."""
    stage = make_stage()
    person = stage.person(name=NAME, number=NUMBER, phone=PHONE)
    make_user("enterprise", stage.unit.id, phone=PHONE, mail=MAIL)
    enroll(stage, publish_class(stage), person)
    return stage


def users(stage: Stage) -> dict[Role, User]:
    platform = authority_id("platform")
    made = {role: make_user(role, platform) for role in ADMINISTRATORS}
    made |= {Role.MINISTRY: authority_user("ministry"), Role.ASSOCIATION: authority_user("association")}
    made |= {Role.PROVINCIAL_AUTHORITY: stage.province, Role.ENTERPRISE: make_user("enterprise", stage.unit.id)}
    made |= {Role.GROUP: make_user("group", make_unit("group").id)}
    return {role: known(user) for role, user in made.items()}


def like_nobody(needle: str) -> str:
    """A text of the same kind and length that no row has."""
    if needle[:1].isdigit():
        return "".join(str((int(sign) + 7) % 10) if sign.isdigit() else sign for sign in needle)
    return "".join(ABSENT if ord(sign) > 127 else "z" if sign.isalnum() else sign for sign in needle)


def free(report: Report) -> list[FilterField]:
    """The fields of a report that take any text."""
    return [f for f in report.filters if f.control is Control.SEARCH or not (f.options or f.choices)]


def needles(role: Role) -> list[str]:
    """What the role sees masked wherever it stands; the names of cases for the administrators."""
    return [*(text for texts in HIDDEN.values() for text in texts), *(NAMES if role in ADMINISTRATORS else ())]


def answer(user: User, report: Report, params: dict[str, str]) -> str:
    try:
        table = read_list(report.name, user, params).table
    except NotFound:  # the list of one class, and none was named
        return ""
    rows = [row for batch in table.batches() for row in batch]
    return json.dumps([rows, table.count(100)], default=str, ensure_ascii=False)


def test_no_filter_of_a_list_or_export_finds_what_its_reader_sees_masked(stage: Stage) -> None:
    told, asked = [], 0
    for role, user in users(stage).items():
        for report in (report for report in _BY_NAME.values() if role in report.roles):
            for field in free(report):
                for needle in needles(role):
                    asked += 1
                    found, nothing = (
                        answer(user, report, {field.name: text}) for text in (needle, like_nobody(needle))
                    )
                    if found != nothing:
                        told.append((str(role), report.name, field.name, needle))
    assert asked > 500
    assert told == []


def test_a_list_of_masked_subjects_is_the_same_with_a_name_and_without(client: FlaskClient, stage: Stage) -> None:
    everybody = users(stage)
    for role in (Role.PROCESS_ADMIN, Role.AUDIT_ADMIN):
        page = sign_in(client, everybody[role]).get("/cases").get_data(as_text=True)
        assert "欧＊＊＊" in page
        assert 'name="find"' not in page
        assert rows_of(client, "/cases") == rows_of(client, f"/cases?find={NAME}") == rows_of(client, "/cases?find=龘")
        kept = [exports.begin(known(everybody[role]), "cases", {"find": word}, purpose="核对") for word in ("龘", NAME)]
        assert kept[0].total == kept[1].total > 0
    business = sign_in(client, stage.province).get(f"/cases?find={NAME}").get_data(as_text=True)
    assert NAME in business
    assert 'name="find"' in business
    assert rows_of(client, f"/cases?find={NAME}") != rows_of(client, "/cases?find=龘")


def rows_of(client: FlaskClient, address: str) -> int:
    return client.get(address).get_data(as_text=True).count('<td class="main">')


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_no_query_of_the_engine_interface_finds_a_masked_subject(app: Flask, stage: Stage, role: Role) -> None:
    user = users(stage)[role]
    for listing in LISTINGS.values():
        for name, one in listing.criteria.items():
            if one.kind not in ("text", "texts"):
                continue
            for needle in needles(role):
                counts = [count(user, listing, name, one.kind, text) for text in (needle, like_nobody(needle))]
                assert counts[0] == counts[1], (name, needle)


def count(user: User, listing: ListQuery, name: str, kind: str, text: str) -> int:
    return listing.count(user, ListRequest({name: [text] if kind == "texts" else text}))


def test_no_list_is_ordered_by_a_masked_column() -> None:
    masked = {"subject", *(c.name for c in Person.__table__.columns if "sealed" in c.name or "masked" in c.name)}
    for listing in LISTINGS.values():
        ordered = [*listing.orders.values(), *listing.tail]
        assert not masked & {getattr(column, "key", None) for column in ordered}
