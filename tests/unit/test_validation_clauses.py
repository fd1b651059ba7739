"""A refusal names the clause of BPMN 2.0.2 that its rule is taken from, and speaks our own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.engine.kernel import xml_messages
from service.engine.validation import bundle, validator
from service.engine.validation.clauses import CLAUSES, cited
from tests.conformance.test_conformance import FOLDER, judged
from tests.unit.validation_diagrams import said

PARTS = {"8.2": 3, "8.3": 6, "8.4": 14, "10.2": 2, "10.3": 9, "10.4": 4, "10.5": 8, "10.6": 7, "10.7": 3}
PARTS |= {"7.6": 2, "13.3": 7, "13.4": 5, "13.5": 6, "15.3": 2}
CHAPTERS = {"9", "10", "11", "9.3", "9.4", "9.5", "10.8", "13.2"}
CONTENTS = CHAPTERS | set(PARTS) | {f"{part}.{n}" for part, many in PARTS.items() for n in range(1, many + 1)}
"""Sections of the standard as the edition 2.0.2 numbers them, where they are cited."""

OURS = {
    "holds_only_known_elements",
    "has_only_known_values",
    "languages_are_starlark",
    "tasks_say_what_to_do",
    "is_extended_only_harmlessly",
    "ad_hoc_subprocesses_hold_what_runs",
    "event_definitions_are_executable_here",
    "event_names_are_unambiguous",
    "attributes_are_well_written",
    "parameters_are_plain",
    "levels_are_moderate",
    "expressions_are_formal",
    "ids_are_unique",
    "called_processes_start_plainly",
    "decisions_read_nothing_personal",
    "references_resolve_in_bundle",
    "places_are_numbers",
}
"""Rules about what this engine does not do or a deployment needs: they cite where they can."""

ENGINE = Path(validator.__file__).parents[1]
GUIDE = ENGINE.parents[1] / "docs" / "guide-process-administrators.md"


def test_every_rule_that_refuses_has_a_clause_or_is_our_own() -> None:
    rules = {rule.__name__ for rule in (*validator.RULES, *bundle.RULES, *bundle.DEPLOYED_TOGETHER)}
    written = {path: path.read_text(encoding="utf-8") for path in (ENGINE / "validation").rglob("*.py")}
    only_warn = {
        rule for rule in rules for text in written.values() for body in re.findall(rf"def {rule}\(.*?(?=\ndef |\Z)", text, re.S)
        if "refuse" not in body and "_check" not in body
    }  # fmt: skip
    assert rules - only_warn - OURS - set(CLAUSES) == set()
    assert set(CLAUSES) <= rules


@pytest.mark.parametrize("path", [*sorted(ENGINE.rglob("*.py")), GUIDE], ids=lambda path: path.name)
def test_every_section_cited_is_one_of_the_standard(path: Path) -> None:
    found = re.findall(r"§(\d+(?:\.\d+)*)", path.read_text(encoding="utf-8"))
    assert set(found) <= CONTENTS


@pytest.mark.parametrize("rule", CLAUSES)
def test_the_clause_stands_in_both_languages(rule: str) -> None:
    zh, en = cited(rule, "不行。", "It may not.")
    assert zh == f"不行(BPMN 2.0 {CLAUSES[rule]})。"
    assert en == f"It may not (BPMN 2.0 {CLAUSES[rule]})."


BROKEN = {
    "<a": "the tag of a is not finished",
    "<a><b></a>": "the element b is not closed",
    "<a>": "the element a is not closed",
    "<a/><b/>": "something follows the root element",
    "text": "it has no root element",
    "<p:a/>": "the namespace prefix p is not declared",
    '<a xmlns:x="a b c"/>': '"a b c" is no valid URI',
    "<a s/>": "the attribute s has no value",
    "<a s=1/>": "the value of an attribute has no quotes",
    '<a s="1" s="2"/>': "the attribute s is there twice",
    '<a s="<"/>': 'the value of an attribute has a "<"',
    "<a>&nbsp;</a>": "the entity nbsp is not defined",
    "<a>& </a>": 'after "&" comes no entity',
    "<a>\x01</a>": "a character is none of XML's",
    "<a><1/></a>": "what stands here breaks its rules",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_xml_is_told_in_plain_words(text: str) -> None:
    assert f"not well-formed XML: {BROKEN[text]} (character " in said(text.encode())


def test_no_words_of_the_parser_are_passed_on() -> None:
    assert all(zh != en for zh, en in map(xml_messages.in_words, ["Any new message of a library", "StartTag: x"]))


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the models of others do not lie beside the checkout")
def test_each_diagram_from_the_field_that_is_refused_names_its_clause_or_the_extension() -> None:
    _, lines = judged(FOLDER / "realworld")
    refused = [line for line in lines.splitlines() if re.match(r"realworld/.*: (rejected|right: .*:\d+ )", line)]
    assert len(refused) > 30
    named = re.compile(
        r"§\d|as the BPMN 2.0 schema says|XML|DOCTYPE|valid utf|is empty|(?:extension|attribute) \w+:\w+"
        r"|in the dialect of \w+ \(\d+ places: \w|is used twice, first in line"  # an xsd:ID
    )
    assert [line for line in refused if not named.search(line)] == []
