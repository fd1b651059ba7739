"""The audit trail and the history of a case say everything that is recorded in words, in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.config import CHECKOUT
from service.domain.accounts.audit import DETAILS, WORDS
from service.domain.system.deployment_source import DeploymentSource
from service.domain.system.mend_kind import MendKind
from service.engine import replay
from service.errors import Message
from service.infrastructure.translation import catalogue_english
from service.reports.lists.audit_events import detail_word
from service.web.presenters.replay import timeline
from service.workflow.runtime import mends
from service.workflow.runtime.history import MENDS
from service.workflow.versions import case_migrations, deployments

SOURCES = sorted((CHECKOUT / "service").rglob("*.py"))
TAKEN = {"action", "name", "login"}  # arguments that hand an action on, whose callers are looked at


def functions() -> Iterator[ast.FunctionDef]:
    """The functions that record an event."""
    for file in SOURCES:
        text = Path(file).read_text()
        if re.search(r"AuditEvent(\.by)?\(|account_event\(|_record\(", text):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef) and re.search(
                    r"(AuditEvent|AuditEvent\.by|_event|_record)\(", ast.unparse(node)
                ):
                    yield node


def recorded() -> tuple[set[str], set[str]]:
    """All actions that are recorded as a text, and all names of details."""
    actions, details = {deployments.DEPLOY, deployments.RESTORE, case_migrations.AUDITED}, set[str]()
    for function in functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "AuditEvent",
                "AuditEvent.by",
                "account_event",
            ):
                given = {one.arg: one.value for one in node.keywords}
                place = ast.unparse(node.func) == "AuditEvent.by"
                action = given.get("action") or (node.args[place] if len(node.args) > place else None)
                if isinstance(action, ast.Constant):
                    actions.add(str(action.value))
            if isinstance(node, ast.Assign | ast.keyword):
                name = node.arg if isinstance(node, ast.keyword) else ast.unparse(node.targets[0])
                if name in ("detail", "told"):
                    dicts = [one for one in ast.walk(node.value) if isinstance(one, ast.Dict)]
                    details |= {str(key.value) for one in dicts for key in one.keys if isinstance(key, ast.Constant)}
    return actions, details


def test_every_action_and_detail_has_its_word_in_both_languages() -> None:
    actions, details = recorded()
    assert len(actions) > 20
    assert len(details) > 15
    assert actions - WORDS.keys() == set()
    assert details - DETAILS.keys() == set()
    for word in {*WORDS.values(), *DETAILS.values()}:
        assert catalogue_english(word) or word.isascii(), word


@pytest.mark.parametrize(
    ("name", "code"),
    [*(("way", one.value) for one in DeploymentSource), *(("what", one.value) for one in MendKind)],
)
def test_ways_of_deployments_and_kinds_of_mends_are_words(name: str, code: str) -> None:
    word = detail_word(name, code)
    assert isinstance(word, Message)
    assert word.text != code
    assert catalogue_english(word.text)


def test_every_kind_of_mend_is_known_wherever_one_is_listed() -> None:
    kinds = {one.value for one in MendKind}
    assert kinds == MENDS == {*mends.KINDS, "migrate", "retry", "resolve"}
    assert kinds <= timeline.WORDS.keys()
    assert set(replay.WHILE_SUSPENDED) <= timeline.WORDS.keys()


def test_every_input_of_a_journal_has_its_word() -> None:
    acts = {name for file in SOURCES for name in re.findall(r'\bAct\(\s*"(\w+)"', file.read_text())}
    assert {"start", "complete", "claim", "timer"} <= acts
    assert acts - {"complete"} <= timeline.WORDS.keys(), "a completion bears the name of its element"
