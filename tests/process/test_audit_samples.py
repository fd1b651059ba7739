"""Random samples: drawn again they are the same, looked through, signed; what was signed is found when it is changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from service.domain.system import sampling
from service.domain.system.sampling import Finding
from service.errors import Conflict, InvalidInput, NotAllowed
from service.evidence import verify
from service.infrastructure.seals import seal_keys
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.audit_sample import AuditSample
from service.workflow.system import audit_samples
from service.workflow.system.row_verification import row_differences
from tests.builders.sealed import seal_in
from tests.builders.world import sign_in
from tests.database import alter_as_owner

ASKED = {"title": "二季度报名抽查", "process": "training_enrollment", "size": "5", "seed": "20260702"}
NOTE = "照片与本人不符，已电话核实"


@pytest.fixture
def auditor(demonstration: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    seal_in(tmp_path, monkeypatch)
    found = User.by_login("auditor")
    assert found is not None
    return found


def drawn(auditor: User, **asked: str) -> AuditSample:
    return audit_samples.find(auditor, audit_samples.draw(auditor, ASKED | asked))


def looked_through(auditor: User) -> AuditSample:
    sample = drawn(auditor)
    for row, _case in audit_samples.cases_of(sample):
        given = {"finding": "fault", "note": NOTE} if row.position == 2 else {"finding": "clear"}
        audit_samples.record_finding(auditor, sample.id, row.position, given)
    return sample


def signed(auditor: User) -> AuditSample:
    sample = looked_through(auditor)
    audit_samples.sign(auditor, sample.id, {"conclusion": "一件有问题，已要求更正"})
    return sample


def differences() -> list[str]:
    session().rollback()
    session().expire_all()
    return [one.detail for one in (*row_differences(), *audit_samples.sample_differences())]


def test_the_same_seed_draws_the_same_cases_and_another_draws_others(auditor: User) -> None:
    first, again, other = drawn(auditor), drawn(auditor), drawn(auditor, seed="1")
    cases = [[row.case_id for row, _ in audit_samples.cases_of(it)] for it in (first, again, other)]
    assert cases[0] == cases[1] != cases[2]
    population = list(session().scalars(select(Case.id).where(Case.process == "training_enrollment")))
    assert cases[0] == sampling.draw(population, ASKED["seed"], 5)
    assert (first.population, first.population_digest) == (len(population), sampling.population_digest(population))
    assert first.chosen == {"process": "training_enrollment"}


def test_each_case_is_as_likely_as_any_other() -> None:
    cases = [uuid4() for _ in range(20)]
    counts = dict.fromkeys(cases, 0)
    for seed in range(2000):
        for case in sampling.draw(cases, str(seed), 5):
            counts[case] += 1
    assert all(400 < count < 600 for count in counts.values())  # 500 expected, five standard deviations to each side


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"title": ""}, "title"),
        ({"size": "0"}, "size"),
        ({"size": "501"}, "size"),
        ({"size": "x"}, "size"),
        ({"seed": "1" * 65}, "seed"),
        ({"since": "2026-13-01"}, "since"),
        ({"process": "unknown"}, "process"),
        ({"number": "no-such-class"}, "size"),
    ],
)
def test_what_is_no_condition_is_refused_and_does_not_widen_the_population(
    auditor: User, asked: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        drawn(auditor, **asked)
    assert field in refused.value.fields


def test_it_is_signed_when_every_case_is_looked_at_and_then_stays(auditor: User) -> None:
    sample = drawn(auditor)
    with pytest.raises(Conflict):
        audit_samples.sign(auditor, sample.id, {"conclusion": "好"})
    with pytest.raises(Conflict):
        audit_samples.signed_document(auditor, sample.id)
    for finding in (Finding.DOUBT, Finding.FAULT):
        with pytest.raises(InvalidInput):
            audit_samples.record_finding(auditor, sample.id, 1, {"finding": finding})
    sample = signed(auditor)
    for change in (
        lambda: audit_samples.record_finding(auditor, sample.id, 1, {"finding": "clear"}),
        lambda: audit_samples.sign(auditor, sample.id, {"conclusion": "好"}),
    ):
        with pytest.raises(Conflict):
            change()
    assert differences() == []


def test_two_pages_of_one_case_do_not_overwrite_each_other(auditor: User) -> None:
    sample = drawn(auditor)
    seen = str(audit_samples.cases_of(sample)[0][0].version)
    audit_samples.record_finding(auditor, sample.id, 1, {"finding": "clear", "version": seen})
    with pytest.raises(Conflict):
        audit_samples.record_finding(auditor, sample.id, 1, {"finding": "doubt", "note": "a", "version": seen})


def version_on(page: str) -> str:
    return page.split('name="version" value="')[1].split('"')[0]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/St_Johns", "UTC"])
def test_an_innocent_sample_is_innocent_in_every_zone_of_a_session(auditor: User, zone: str) -> None:
    signed(auditor)
    session().rollback()
    session().expire_all()
    session().execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
    assert list(audit_samples.sample_differences()) == []


ATTACKS = {
    "finding": "UPDATE sampled_case SET finding = 'clear'",
    "note": "UPDATE sampled_case SET note = NULL",
    "case": "UPDATE sampled_case SET case_id = (SELECT id FROM case_instance c WHERE c.id <> case_id LIMIT 1)",
    "gone": "DELETE FROM sampled_case WHERE position = 2",
    "seed": "UPDATE audit_sample SET seed = '1'",
    "population": "UPDATE audit_sample SET population = 10000",
    "rule": "UPDATE audit_sample SET chosen = '{}'",
    "document": "UPDATE audit_sample SET document = NULL",
    "open again": "UPDATE audit_sample SET state = 'open', signed_at = NULL",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_signed_sample_that_is_changed_by_sql_is_named(auditor: User, attack: str) -> None:
    sample = signed(auditor)
    session().rollback()
    alter_as_owner(attack)
    assert any(word in one for one in differences() for word in (str(sample.id), "sampled_case"))


def test_what_was_signed_is_checked_alone_in_an_empty_folder(auditor: User, tmp_path: Path) -> None:
    (key,) = seal_keys.public_keys().values()
    document = audit_samples.signed_document(auditor, signed(auditor).id)
    assert [one["note"] for one in document["body"]["cases"]] == [None, NOTE, None, None, None]

    def checked(said: dict[str, Any], trusted: str = key) -> tuple[int, str]:
        (tmp_path / "sample.json").write_text(json.dumps(said))
        command = [sys.executable, "-I", str(verify.__file__), "sample.json", "--key", trusted]
        done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, told = checked(document)
    assert (code, told) == (0, "5 sampled cases, 0 differences\n")
    assert checked(document, "00" * 32)[0] == 1
    for name in document["body"]:
        changed = {**document, "body": {**document["body"], name: "x"}}
        assert checked(changed)[0] == 1, name
    other_order = {**document["body"], "cases": document["body"]["cases"][::-1]}
    code, told = checked(seal_keys.sign(other_order))
    assert "not stand in the order that the seed gives" in told
    assert checked({"body": 1})[0] == 1


def test_notes_stand_encrypted_and_only_auditors_read_them(auditor: User, client: Any) -> None:
    sample = signed(auditor)
    path = f"/audit/samples/{sample.id}"
    for login in ("ministry", "processadmin", "sysadmin"):
        user = User.by_login(login)
        assert user is not None
        sign_in(client, user)
        for address in ("/audit/samples", path, f"{path}/1"):
            assert client.get(address).status_code in (403, 404), (login, address)
        with pytest.raises(NotAllowed):
            audit_samples.find(user, sample.id)
    sign_in(client, auditor)
    assert NOTE in client.get(path).text
    assert client.post(f"{path}/pdf").data.startswith(b"%PDF")
    assert client.post(f"{path}/json").json["body"]["seed"] == ASKED["seed"]
    assert client.get(f"{path}/99").status_code == 404
    actions = set(session().scalars(select(AuditEvent.action).where(AuditEvent.object_id == sample.id)))
    assert {"draw_sample", "open_sample", "sign_sample", "export_sample"} <= actions


def test_an_auditor_goes_from_case_to_case_and_another_only_reads(auditor: User, client: Any) -> None:
    sign_in(client, auditor)
    answer = client.post("/audit/samples", data=ASKED)
    path = answer.location
    for position in range(1, 6):
        page = client.get(f"{path}/{position}").text
        assert "下一件" in page if position < 5 else "下一件" not in page.split("保存，看下一件")[0]
        wrong = client.post(f"{path}/{position}", data={"finding": "fault", "note": ""})
        assert (wrong.status_code, "请写明发现了什么。" in wrong.text) == (422, True)
        after = client.post(f"{path}/{position}", data={"finding": "clear", "note": "查过"})
        assert after.location == (path if position == 5 else f"{path}/{position + 1}")
    other = User.by_login("secadmin")
    assert other is not None
    sample = audit_samples.find(auditor, UUID(path.rpartition("/")[2]))
    session().expunge(other)
    other.role = "audit_admin"
    with pytest.raises(NotAllowed):
        audit_samples.record_finding(other, sample.id, 1, {"finding": "clear"})
    looks = session().scalars(select(AuditEvent.detail).where(AuditEvent.action == "open_sample"))
    assert {one["position"] for one in looks if "position" in one} == set(range(1, 6))  # every look leaves a trace
    sent = {"conclusion": "都没有问题", "version": version_on(client.get(path).text)}
    assert "不能再改" in client.post(f"{path}/sign", data=sent).text  # R87: asked first
    assert "已签署" not in client.get(path).text
    client.post(f"{path}/3", data={"finding": "doubt", "note": "another tab"})
    assert client.post(f"{path}/sign", data=sent | {"asked": "1"}).status_code == 409
    sent["version"] = version_on(client.get(path).text)
    assert client.post(f"{path}/sign", data=sent | {"asked": "1"}).status_code == 302
    assert "已签署" in client.get(path).text
    assert client.post(f"{path}/1", data={"finding": "clear"}).status_code == 409
