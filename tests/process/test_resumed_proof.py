"""A proof that is killed goes on from its file and says what it would have said, and trusts nothing in it unsigned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from service.errors import Conflict
from service.infrastructure.seals import seal_keys
from service.models.db.session import session
from service.models.tables.runtime.case import Task
from service.workflow.runtime import tasks as cases
from service.workflow.system import proof, proof_checkpoint, sealing
from service.workflow.system.proof_checkpoint import Checkpoint
from tests.builders.sealed import seal_in
from tests.process.small_process import deploy, person

CASES = 9


class Killed(BaseException):
    """The end of a process."""


@pytest.fixture
def started(app: Any, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Some cases, two of them altered, proved two at a time in this process."""
    seal_in(tmp_path, monkeypatch)
    monkeypatch.setattr(proof, "CASES_A_SLICE", 2)
    deploy()
    association = person("a", "association")
    made = [cases.start(association, "small", {}).case_id for _ in range(CASES)]
    for case in (made[1], made[6]):
        session().execute(text("UPDATE task SET priority = 77 WHERE case_id = :case"), {"case": case})
    session().commit()
    clock.move(timedelta(minutes=1))
    return made


def proved(path: Path | None) -> dict[str, Any]:
    """The report without its instants."""
    *_, report = proof.prove(None, None, 1, lambda: None, path)
    body = report.to_json()["body"]
    body["differences"].sort()
    return {name: value for name, value in body.items() if name not in ("begun", "ended")}


def kill_after(slices: int, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Let the proof be killed in the middle of writing the line after so many slices; the cases proved from then on."""
    seen: list[UUID] = []
    keep, prove_slice = Checkpoint.keep, proof._prove_slice

    def killed(self: Checkpoint, part: Any) -> None:
        keep(self, part)
        lines = self.path.read_text().splitlines(keepends=True)
        if len(lines) > slices:
            self.path.write_text("".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
            raise Killed

    def watched(chosen: Any) -> Any:
        seen.extend(chosen)
        return prove_slice(chosen)

    monkeypatch.setattr(Checkpoint, "keep", killed)
    monkeypatch.setattr(proof, "_prove_slice", watched)
    return seen


@pytest.mark.parametrize("slices", range(5))
def test_killed_anywhere_and_resumed_it_gives_the_same_report(
    started: list[UUID], slices: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = proved(None), tmp_path / "checkpoint"
    assert len({key for key, _what, _detail in whole["differences"]}) == 2
    with monkeypatch.context() as patch:
        kill_after(slices, patch)
        with pytest.raises(Killed):
            proved(path)
    with monkeypatch.context() as patch:
        seen = kill_after(10**6, patch)
        assert proved(path) == whole
        assert len(seen) == max(0, CASES - 2 * slices)
        assert len(set(seen)) == len(seen)
    assert proved(path) == whole  # all of it stands there now


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text().splitlines())


def test_a_line_that_was_altered_is_proved_again(started: list[UUID], tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    whole = proved(path)
    forged = list(lines_of(path))
    for entry in forged:
        entry["body"]["differences"] = []
    path.write_text("".join(json.dumps(entry) + "\n" for entry in forged))
    assert proved(path) == whole


def test_a_case_that_moved_since_is_proved_again(
    started: list[UUID], tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint"
    proved(path)
    moved = started[4]
    open_task = session().scalars(select(Task.id).where(Task.case_id == moved, Task.state == "open")).one()
    cases.complete(person("b", "association"), open_task, {"decision": "no"})
    seen = kill_after(10**6, monkeypatch)
    report = proved(path)
    assert moved in seen
    assert len(seen) == 2
    assert report == proved(None)


def test_the_file_of_another_proof_is_refused(
    started: list[UUID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint"
    list(proof.prove(started[:2], None, 1, lambda: None, path))
    with pytest.raises(Conflict):
        proved(path)
    path.unlink()
    proved(path)
    monkeypatch.setattr(proof_checkpoint.journal, "ENGINE", "another")
    with pytest.raises(Conflict):
        proved(path)
    assert all(seal_keys.is_signed(entry) for entry in lines_of(path))


def test_what_is_sealed_while_it_is_proved_accuses_nobody(started: list[UUID], app: Flask) -> None:
    """The heads outside are those of before the moment that is looked at: later ones are of later rows."""

    def seal_more() -> None:
        with app.app_context():
            cases.start(None, "small", {})
            assert sealing.seal_new() is not None

    sealing.seal_new()
    reports = proof.prove(None, None, 1, lambda: None)
    next(reports)  # the snapshot stands, and a part is proved
    worker = Thread(target=seal_more)
    worker.start()
    worker.join()
    *_, report = reports
    *_, again = proof.prove(None, None, 1, lambda: None)
    assert [one for found in (report, again) for one in found.differences if one.what == "seal"] == []
    assert again.cases == report.cases + 1
