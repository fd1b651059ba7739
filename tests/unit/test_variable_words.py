"""How the variables of a case read on its page."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import force_locale

from service.config import CHECKOUT
from service.domain.accounts.roles import Role
from service.engine import read_definition
from service.web.presenters import variable_labels
from service.workflow.processes import definitions


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("2026-12-17T16:00:00+00:00", "2026-12-18 00:00"),
        ("2026-12-24T18:00:00", "2026-12-24 18:00"),
        ("2026-12-24", "2026-12-24"),
        ("2026-99-99T18:00:00", "2026-99-99T18:00:00"),
        ("01a20cac-fffc-71dd-8cd5-2746e92f00ce", "…2746e92f00ce"),
    ],
)
def test_instants_read_in_the_time_of_china(value: str, seen: str) -> None:
    assert variable_labels.read("check_in_from", value) == seen


@pytest.mark.parametrize("name", sorted(variable_labels.FORMATTERS))
def test_a_variable_of_another_process_may_have_any_value(name: str, app: Flask) -> None:
    """A form may ask for what a shipped process computes: its replay shows what was typed."""
    with app.test_request_context():
        for value in ("x", "", "-", "1e9", 0, -1, 10**30, 1.5, True, [], ["x"], [{}], {}, {"x": 1}):
            assert isinstance(variable_labels.read(name, value), str)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_role_of_every_task_stands_in_words(language: str, app: Flask) -> None:
    with app.test_request_context(), force_locale(language):
        for path in sorted((CHECKOUT / "processes").glob("*.bpmn")):
            for element in read_definition(definitions.bundle(path), validate=False).elements.values():
                words = variable_labels.role_words(element.role or "", {})
                if element.type == "userTask":
                    assert not {"—", "$", "_"} & set(words), (path.name, element.id)
                    assert words.isascii() == (language == "en") or "’" in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "—"),
        ("association", Role("association").label),
        ("nobody_known", "nobody_known"),
        ("${asker_role}", "由申请人角色决定"),
        ('${"association" if amount > 5 else "ministry"}', f"{Role('association').label} / {Role('ministry').label}"),
        ("${desk if amount > 5 else role_of(desk)}", "由desk、金额决定"),
        ("${a}${b}", "由a、b决定"),
        ("${", "—"),
    ],
)
def test_an_expression_of_a_role_stands_in_words(text: str, words: str, app: Flask) -> None:
    with app.test_request_context():
        assert variable_labels.role_words(text, {"amount": "金额"}) == words
