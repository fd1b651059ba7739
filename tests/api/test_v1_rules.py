"""``/api/v1`` keeps the rules of the pages: who comes in, what each role sees, masked numbers, versions, cost of a list."""

from __future__ import annotations

import io
import re
from contextvars import Context
from datetime import timedelta
from typing import Any

import pikepdf
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.api.v1 import BLUEPRINTS
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.certificates.faces import FaceLanguage, Layout
from service.models.db.clock import now, today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import Organisation, authority_id
from tests.api.queries import counted
from tests.api.test_v1_chain import new_class
from tests.api.v1_world import HASH, PASSWORD, Machine, give_password, make_world, told
from tests.builders.stage import Stage
from tests.builders.trained import make_enrollment
from tests.builders.world import (
    authority_user,
    identity_number,
    make_certificate,
    make_class,
    make_person,
    make_unit,
    make_user,
)

LISTS = ("units", "persons", "classes", "enrollments", "scores", "certificates", "reports")
NEEDS = {
    "units": [Action.VIEW_UNITS],
    "persons": [Action.VIEW_PERSONS],
    "classes": [Action.VIEW_CLASSES],
    "scores": [Action.VIEW_PERSONS],
    "enrollments": [Action.ENROLL, Action.CONFIRM_ENROLLMENT, Action.CHECK_IN],
    "certificates": [Action.VIEW_CERTIFICATES],
    "reports": [Action.VIEW_REPORTS, Action.VIEW_TRAINING_NEED, Action.VIEW_CERTIFICATES],
}
READERS = ("ministry", "association", "province", "other_province", "institution", "enterprise")


@pytest.fixture
def stage(client: FlaskClient, clock: Any) -> Stage:
    return make_world()


def change(user: User, **values: Any) -> None:
    with transaction(Operation("test")):
        for name, value in values.items():
            setattr(session().get_one(User, user.id), name, value)


def fill(stage: Stage) -> dict[str, Any]:
    """One enrolment with score and certificate in Shandong, another in Henan; their rows."""
    elsewhere = make_unit("enterprise", "41", "洛川民爆（示例）公司")
    own, other = stage.person(name="甲甲"), make_person(elsewhere, name="乙乙")
    found = make_class(institution=stage.centre)
    rows = {"own": own, "other": other, "class": found, "elsewhere": elsewhere}
    for name in ("own", "other"):
        rows[f"{name}_enrollment"] = make_enrollment(rows[name], found, "completed", 855)
        rows[f"{name}_certificate"] = make_certificate(rows[name])
    return rows


def test_a_province_and_a_unit_see_their_own_and_nothing_else(client: FlaskClient, stage: Stage) -> None:  # R9, R70
    rows = fill(stage)
    for user in (stage.province, stage.enterprise):
        machine = Machine(client, user)
        assert [row["name"] for row in told(machine.get("/units"))["items"]] == [stage.unit.name]
        assert [row["name"] for row in told(machine.get("/persons"))["items"]] == ["甲甲"]
        assert [row["person_id"] for row in told(machine.get("/certificates"))["items"]] == [str(rows["own"].id)]
    assert [row["name"] for row in told(Machine(client, stage.enterprise).get("/enrollments"))["items"]] == ["甲甲"]
    assert [row["name"] for row in told(Machine(client, stage.enterprise).get("/scores"))["items"]] == ["甲甲"]
    assert {row["name"] for row in told(Machine(client, stage.ministry).get("/persons"))["items"]} == {"甲甲", "乙乙"}


def test_what_is_out_of_scope_does_not_exist(client: FlaskClient, stage: Stage) -> None:  # R70
    rows = fill(stage)
    draft = make_class("initial", organiser=authority_id("association"), institution=stage.centre, state="draft")
    machine = Machine(client, stage.enterprise)
    hidden = {
        "units": rows["elsewhere"],
        "persons": rows["other"],
        "enrollments": rows["other_enrollment"],
        "certificates": rows["other_certificate"],
        "classes": draft,
    }
    for noun, row in hidden.items():
        answer = told(machine.get(f"/{noun}/{row.id}"), 404)
        assert answer["type"] == "urn:anpei:problem:not_found"
    assert told(machine.patch(f"/persons/{rows['other'].id}", {"post": "x"}), 404)
    assert told(machine.post(f"/persons/{rows['other'].id}/reveal"), 404)
    assert told(machine.post(f"/enrollments/{rows['other_enrollment'].id}/withdraw", {}), 404)
    assert told(
        Machine(client, stage.other_province).post(f"/persons/{rows['own'].id}/deregister", {"reason": "x"}), 404
    )


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reads_what_the_table_allows(client: FlaskClient, stage: Stage, role: Role) -> None:
    places = {"group": make_unit("group").id, "enterprise": stage.unit.id, "training_institution": stage.centre.id}
    codes = {"ministry": "ministry", "association": "association", "provincial_authority": "37"}
    user = make_user(role, places.get(role) or authority_id(codes.get(role, "platform")), password_hash=HASH)
    for noun in LISTS:
        allowed = any(may(role, action) for action in NEEDS[noun])
        told(Machine(client, user).get(f"/{noun}"), 200 if allowed else 403)


def test_every_operation_says_what_it_needs(app: Flask) -> None:
    open_to_all = {"list_provinces", "list_institutions", "list_qualification_types"}
    open_to_all |= {"take_back", "take_back_batch"}  # of whoever completed it: test_undo.py tries the others
    for name, view in app.view_functions.items():
        room, _, endpoint = name.partition(".")
        if room.startswith("v1_") and room != "v1_unknown" and endpoint not in open_to_all:
            assert vars(view)["access"], name
    assert {room.name for room in BLUEPRINTS} <= set(app.blueprints)


def test_who_may_not_come_in_yet(client: FlaskClient, stage: Stage) -> None:  # R2, §5.1
    machine = Machine(client, stage.province)
    for values in ({"must_change": True}, {"must_change": False, "privacy_version": 0}):
        change(stage.province, **values)
        assert told(machine.get("/me"), 403)["type"] == "urn:anpei:problem:not_allowed"
    change(stage.province, privacy_version=1, password_at=now() - timedelta(days=91))
    assert told(machine.get("/me"), 403)
    change(stage.province, password_at=now())
    assert told(machine.get("/me"))["role"] == "provincial_authority"


def test_a_unit_completes_its_record_before_anything_else(client: FlaskClient, stage: Stage) -> None:  # R3
    unit = make_unit(state="draft", contact=None)
    machine = Machine(client, make_user("enterprise", unit.id, password_hash=HASH))
    assert told(machine.get("/me"))["organisation_state"] == "draft"
    assert told(machine.get("/persons"), 403)["detail"]
    assert told(machine.get(f"/units/{unit.id}"))["missing"] == ["contact"]
    assert told(machine.patch(f"/units/{unit.id}", {"contact": "吴戊"}))["state"] == "complete"
    assert told(machine.get("/persons"))["items"] == []


def test_a_unit_cannot_change_what_is_locked_but_its_province_renames_it(
    client: FlaskClient, stage: Stage
) -> None:  # R10, R11
    unit, path = Machine(client, stage.enterprise), f"/units/{stage.unit.id}"
    assert list(told(unit.patch(path, {"name": "新名"}), 422)["errors"]) == ["name"]
    assert told(unit.post(f"{path}/rename", {"name": "新名"}), 403)
    renamed = told(Machine(client, stage.province).post(f"{path}/rename", {"name": "泺源民爆（示例）集团"}))
    assert [former["name"] for former in renamed["names_history"]] == [stage.unit.name]
    stage.person()
    assert "人员" in told(Machine(client, stage.province).post(f"{path}/delete"), 409)["detail"]  # R6


def test_numbers_are_masked_and_a_look_is_remembered(client: FlaskClient, stage: Stage) -> None:  # §5.2
    rows = fill(stage)
    whole = re.compile(r"\d{17}[\dX]|1[3-9]\d{9}")
    for name in READERS:
        machine = Machine(client, getattr(stage, name))
        for path in (
            *(f"/{noun}" for noun in LISTS),
            f"/persons/{rows['own'].id}",
            f"/classes/{rows['class'].id}",
            f"/enrollments/{rows['own_enrollment'].id}",
            f"/certificates/{rows['own_certificate'].id}",
        ):
            text = re.sub(r'"(phone|id|case|next|number)":"[^"]*"', "", machine.get(path).get_data(as_text=True))
            assert not whole.search(text), (name, path)
    machine = Machine(client, stage.province)
    number = told(machine.post(f"/persons/{rows['own'].id}/reveal"))["id_number"]
    assert number == session().get_one(Person, rows["own"].id).id_number
    looks = session().scalars(select(AuditEvent).where(AuditEvent.action == "reveal_number")).all()
    assert [(look.object_id, look.actor_id) for look in looks] == [(rows["own"].id, stage.province.id)]
    assert told(Machine(client, stage.institution).post(f"/persons/{rows['own'].id}/reveal"), 403)


def test_a_whole_number_is_looked_up_by_post(client: FlaskClient, stage: Stage) -> None:
    person = make_person(stage.unit, number=identity_number(77))
    machine = Machine(client, stage.province)
    found = told(machine.post("/persons/find", {"id_number": person.id_number.lower()}))
    assert [row["id"] for row in found["items"]] == [str(person.id)]
    assert (
        told(Machine(client, stage.other_province).post("/persons/find", {"id_number": person.id_number}))["items"]
        == []
    )


def test_a_change_names_the_version_it_was_made_from(client: FlaskClient, stage: Stage) -> None:
    machine, path = Machine(client, stage.province), f"/units/{stage.unit.id}"
    tag = machine.get(path).headers["ETag"]
    first = machine.patch(path, {"contact": "钱己"}, If_Match=tag)
    assert (told(first)["contact"], first.headers["ETag"] != tag) == ("钱己", True)
    late = machine.patch(path, {"address": "济南"}, If_Match=tag)
    assert told(late, 412)["type"] == "urn:anpei:problem:precondition_failed"
    assert told(machine.patch(path, {"address": "济南"}, If_Match="*"))["contact"] == "钱己"
    emptied = told(machine.patch(path, {"address": None}))
    assert (emptied["address"], emptied["missing"]) == (None, ["address"])


@pytest.mark.parametrize("noun", ["units", "persons", "classes", "published classes"])
def test_of_two_who_change_at_once_the_second_is_told(
    client: FlaskClient, stage: Stage, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    """The colleague saves after the first has read and before he saves."""
    association = Machine(client, stage.association)
    cases = {
        "units": (Machine(client, stage.province), stage.unit.id, "contact"),
        "persons": (Machine(client, stage.enterprise), make_person(stage.unit, state="draft").id, "post"),
        "classes": (
            association,
            told(association.post("/classes", new_class(stage, decision="keep")), 201)["id"],
            "place",
        ),
        "published classes": (association, told(association.post("/classes", new_class(stage)), 201)["id"], "place"),
    }
    machine, row_id, member = cases[noun]
    noun = noun.removeprefix("published ")
    seen: list[Any] = []

    def meanwhile(_version: int) -> None:
        if not seen:
            seen.append(None)
            seen.append(told(Context().run(machine.patch, f"/{noun}/{row_id}", {member: "先改的"})))

    monkeypatch.setattr(f"service.api.v1.{noun}.check_version", meanwhile)
    assert told(machine.patch(f"/{noun}/{row_id}", {member: "后改的"}), 409)
    assert told(machine.get(f"/{noun}/{row_id}"))[member] == "先改的"


def test_what_is_left_out_of_a_person_stays(client: FlaskClient, stage: Stage) -> None:
    person = make_person(stage.unit, state="draft", post="安全员", title="工程师", education="本科")
    changed = told(
        Machine(client, stage.enterprise).patch(f"/persons/{person.id}", {"post": None, "phone": "13900001111"})
    )
    assert (changed["post"], changed["title"], changed["phone_masked"]) == (None, "工程师", "139****1111")
    row = session().get_one(Person, person.id, populate_existing=True)
    assert (row.id_number_digest, row.phone) == (person.id_number_digest, "13900001111")


def test_pages_follow_each_other_both_ways(client: FlaskClient, stage: Stage) -> None:
    for n in range(5):
        make_person(stage.unit, name=f"{'甲乙丙丁戊'[n]}某")
    machine = Machine(client, stage.province)
    first = told(machine.get("/persons", limit=2, total="true"))
    second = told(machine.get("/persons", limit=2, cursor=first["next"]))
    third = told(machine.get("/persons", limit=2, cursor=second["next"]))
    names = [row["name"] for page in (first, second, third) for row in page["items"]]
    assert (first["total"], first["previous"], second["total"], third["next"]) == (5, None, None, None)
    assert len(set(names)) == 5
    back = told(machine.get("/persons", limit=2, cursor=second["previous"]))
    assert [row["id"] for row in back["items"]] == [row["id"] for row in first["items"]]
    assert told(machine.get("/persons", cursor="bm90aGluZw"), 404)


@pytest.mark.parametrize("noun", LISTS)
def test_a_list_costs_few_queries(client: FlaskClient, stage: Stage, noun: str) -> None:
    fill(stage)
    for name in ("association", "province", "enterprise"):
        machine = Machine(client, getattr(stage, name))
        machine.get("/me")
        with counted() as sent:
            told(machine.get(f"/{noun}", **({} if noun == "reports" else {"total": "true", "q": "甲"})))
        assert len(sent) <= 15, sent


def test_reports_give_the_rows_of_the_page(client: FlaskClient, stage: Stage) -> None:
    fill(stage)
    machine = Machine(client, stage.association)
    for report in told(machine.get("/reports"))["items"]:
        page = told(machine.get(f"/reports/{report['name']}"))
        keys = {column["key"] for column in page["columns"]}
        assert keys, report["name"]
        assert all(keys - set(row) <= {"rate"} for row in page["items"]), report["name"]
    ledger = told(machine.get("/reports/certificate-ledger", q="甲甲"))
    assert (len(ledger["items"]), ledger["totals"]["n"]) == (1, 1)
    assert list(told(machine.get("/reports/certificate-ledger", by="x"), 422)["errors"]) == ["by"]
    assert told(machine.get("/reports/nothing"), 404)
    assert told(Machine(client, stage.institution).get("/reports/unit-summary"), 403)


def test_a_session_of_the_pages_opens_nothing_here(client: FlaskClient, stage: Stage) -> None:
    client.post("/sign-in", data={"login": stage.province.login, "password": PASSWORD})
    assert client.get("/api/v1/units").status_code == 401


def test_the_association_enters_academies_and_their_persons(client: FlaskClient, stage: Stage) -> None:  # R12
    machine = Machine(client, stage.association)
    made = machine.post("/units", {"name": "泉城理工学院（示例）", "kind": "academy"})
    academy = told(made, 201)
    assert made.headers["Location"] == f"/api/v1/units/{academy['id']}"
    entry = {
        "name": "周辛",
        "id_number": identity_number(91),
        "qualification_type": "MANAGER_PROD",
        "no_criminal_record": True,
        "unit": academy["id"],
        "submit": True,
    }
    assert told(machine.post("/persons", entry), 201)["state"] == "approved"
    again = told(machine.post("/persons", entry), 422)
    assert list(again["errors"]) == ["id_number"]  # R19
    assert (
        session()
        .get_one(Organisation, session().scalars(select(Person.unit_id).where(Person.name == "周辛")).one())
        .kind
        == "academy"
    )


def test_an_institution_records_scores_of_its_own_classes_alone(client: FlaskClient, stage: Stage) -> None:
    rows = fill(stage)
    other = make_user("training_institution", make_class().institution_id)
    give_password()
    entry = {"scores": [{"enrollment": str(rows["own_enrollment"].id), "score": 60}]}
    for user in (stage.institution, other):
        (row,) = told(Machine(client, user).post("/scores", entry))["results"]
        assert (row["ok"], bool(row["message"])) == (False, True)
    assert told(Machine(client, stage.association).post("/scores", entry), 403)
    assert told(Machine(client, authority_user("ministry")).get("/me"), 401)
    assert today()


@pytest.mark.parametrize("layout", [*Layout])
@pytest.mark.parametrize("language", [*FaceLanguage])
def test_a_print_has_the_layout_and_language_that_were_asked_for(
    client: FlaskClient, stage: Stage, layout: Layout, language: FaceLanguage
) -> None:
    """Issue 9 (documents): as on the pages; the file is laid out as the print was logged."""
    held = make_certificate(stage.person())
    machine = Machine(client, stage.association)
    made = told(machine.post(f"/certificates/{held.id}/prints", {"layout": layout, "language": language}), 201)
    assert (made["layout"], made["language"]) == (layout, language)
    with pikepdf.open(io.BytesIO(machine.get(f"/prints/{made['id']}").data)) as document:
        assert len(document.pages) == (2 if layout is Layout.CARD else 1)
