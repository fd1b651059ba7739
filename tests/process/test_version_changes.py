"""Changed diagrams and the cases that run: migration of whatever waits, the way back, back-tests; all proved again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from service.engine import Plan
from service.models.db.session import session
from service.models.tables.case import Case, Job, Task
from service.models.tables.user import User
from service.workflow.runtime import case_migrations, definitions, deployments, history, tasks
from service.workflow.runtime.case_migrations import Migration
from tests.process.small_process import person
from tests.unit.test_engine_mends import PLACES

WHY = "加了一级审批，龘靐"


@pytest.fixture
def admin(app: Flask, clock: Any) -> User:
    return person("processes", "process_admin")


def deployed(files: dict[str, bytes]) -> str:
    version = deployments.deploy(files, process="case").version
    assert version is not None
    return version.digest


def drawn(name: str) -> dict[str, bytes]:
    return {file: text.replace(b"office", b"association") for file, text in PLACES[name][0].files.items()}


def case_of(case_id: UUID) -> Case:
    return session().get_one(Case, case_id, populate_existing=True)


def standing(case_id: UUID) -> list[tuple[str, str, UUID]]:
    query = select(Task.element, Task.definition, Task.id).where(Task.case_id == case_id, Task.state == "open")
    return sorted(map(tuple, session().execute(query)))


def proved(case_id: UUID) -> None:
    assert list(history.verify([case_id])) == []


def renamed(files: dict[str, bytes]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The same diagrams with every id of a node another one, and where each goes."""
    ids = sorted(definitions.read_checked(files, "case").elements.keys() - {"case", "checked"}, key=len, reverse=True)
    for name in ids:
        for kind in ("id", "sourceRef", "targetRef", "attachedToRef"):
            was, now = f'{kind}="{name}"'.encode(), f'{kind}="{name}_new"'.encode()
            files = {file: text.replace(b" " + was, b" " + now) for file, text in files.items()}
    return files, {name: name + "_new" for name in ids}


@pytest.mark.parametrize("name", PLACES)
def test_whatever_a_case_waits_for_goes_on_by_the_new_version_and_comes_back(admin: User, name: str) -> None:
    old = deployed(drawn(name))
    case_id = tasks.start(None, "case", {"x": 1}).case_id
    before, waiting = standing(case_id), jobs_of(case_id)
    files, goes = renamed(drawn(name))
    new = deployed(files)
    asked = Migration(old, new, Plan(goes))
    told = case_migrations.preview(admin, asked)
    assert (told.total, told.looked_at, told.problems) == (1, 1, [])
    assert told.there == {place + "_new": count for place, count in told.here.items()}
    assert case_of(case_id).definition == old
    run = case_migrations.begin(admin, asked, WHY, at_once=True)
    assert (run.state, run.total, run.done, run.moved, run.refused) == ("done", 1, 1, 1, [])
    assert case_of(case_id).definition == new
    assert standing(case_id) == [(mapped(element), new, key) for element, _, key in before]
    assert [(mapped(element), due) for element, due in waiting] == jobs_of(case_id)
    proved(case_id)
    back = case_migrations.begin(admin, case_migrations.way_back(run), "退回", at_once=True)
    assert (back.moved, back.refused, case_of(case_id).definition) == (1, [], old)
    assert (standing(case_id), jobs_of(case_id)) == (before, waiting)
    proved(case_id)


def mapped(path: str) -> str:
    return "/".join(f"{name}_new" for name in path.split("/"))


def jobs_of(case_id: UUID) -> list[tuple[str, Any]]:
    query = select(Job.element, Job.due_at).where(Job.case_id == case_id, Job.state == "pending")
    return sorted(map(tuple, session().execute(query)))
