"""Who has no photo is shown as such wherever somebody decides about the person, and listed for the unit (R82)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.models.tables.persons.person import Person
from service.workflow.runtime import jobs, tasks
from service.workflow.training import enrollments
from tests.api.test_pages_person_import import cells, preview
from tests.api.v1_world import Machine, make_world, told
from tests.builders.stage import Stage, enroll, publish_class, task_of
from tests.builders.world import make_person, make_photo, sign_in

GAP = "缺照片"


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_world()


def _pair(stage: Stage, state: str = "approved") -> tuple[Person, Person]:
    """One with a photo and one without."""
    shown, bare = (
        make_person(stage.unit, name="王有相", state=state),
        make_person(stage.unit, name="李无相", state=state),
    )
    make_photo(shown)
    enrollments.refresh_need([shown.id, bare.id])
    return shown, bare


def _marked(page: str) -> set[str]:
    """The names in whose rows the gap is marked."""
    rows = re.findall(r"<tr.*?</tr>", page, re.S)
    return {name for row in rows for name in ("王有相", "李无相") if name in row and GAP in row}


def test_r82_a_unit_has_a_list_of_its_gaps_with_their_number(client: FlaskClient, stage: Stage) -> None:
    _pair(stage)
    make_person(stage.unit, name="赵旧人", state="deregistered")  # his photo went with him
    sign_in(client, stage.enterprise)
    page = client.get("/persons").text
    assert _marked(page) == {"李无相"}
    [chip] = re.findall(r'<a[^>]*href="([^"]*photo=missing[^"]*)"[^>]*>(.*?)</a>', page, re.S)
    assert (GAP in chip[1], re.findall(r"\d+", re.sub(r"<[^>]+>", "", chip[1]))) == (True, ["1"])
    gaps = client.get(chip[0].replace("&amp;", "&")).text
    assert ("李无相" in gaps, "王有相" in gaps, "赵旧人" in gaps) == (True, False, False)
    rows = told(Machine(client, stage.enterprise).get("/persons", photo="missing"))["items"]
    assert [(row["name"], row["has_photo"]) for row in rows] == [("李无相", False)]


def test_r82_at_entry_and_import(client: FlaskClient, stage: Stage) -> None:
    shown, bare = _pair(stage, "draft")
    sign_in(client, stage.enterprise)
    for address in ("/persons/{}", "/persons/{}/edit"):
        said = [GAP in client.get(address.format(person.id)).text for person in (shown, bare)]
        assert said == [False, True], address
    assert GAP in preview(client, [cells(901)])[1]


def test_r82_who_approves_confirms_or_enrols_sees_who_has_no_photo(client: FlaskClient, stage: Stage) -> None:
    """The desks of the province, row by row and in the task; the persons whom the unit can enrol."""
    entered = _pair(stage, "draft")
    cases = {
        p.name: tasks.start(stage.enterprise, "personnel_approval", {"person_id": str(p.id)}).case_id for p in entered
    }
    jobs.run_all()
    sign_in(client, stage.province)
    assert _marked(client.get("/inbox?kind=personnel_approval/approve_person").text) == {"李无相"}
    for name, case in cases.items():
        page = client.get(f"/tasks/{task_of(case, 'approve_person').id}").text
        assert (GAP in page) == (name == "李无相")
        tasks.complete(stage.province, task_of(case, "approve_person").id, {"decision": "approve"})
    jobs.run_all()
    enrollments.refresh_need([person.id for person in entered])
    found = publish_class(stage)
    assert _marked(sign_in(client, stage.enterprise).get(f"/classes/{found.id}/enroll").text) == {"李无相"}
    fitting = told(Machine(client, stage.enterprise).get(f"/classes/{found.id}/candidates"))["items"]
    assert {row["name"]: row["has_photo"] for row in fitting} == {"王有相": True, "李无相": False}
    enrolled = [enroll(stage, found, person) for person in entered]
    sign_in(client, stage.province)
    desk = "/inbox?kind=training_enrollment/confirm_enrollment"
    assert _marked(client.get(desk).text) == {"李无相"}
    assert [GAP in client.get(f"/tasks/{task_of(c, 'confirm_enrollment').id}").text for c in enrolled] == [False, True]
    make_photo(entered[1])  # the gap is closed while the task waits
    assert _marked(client.get(desk).text) == set()
