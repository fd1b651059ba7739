"""XML that may not be read at all is refused with a place, in both languages."""

from __future__ import annotations

import pytest

from service.engine.kernel.diagram_reader import references
from service.engine.kernel.xml_reader import MAX_BYTES, parse
from service.engine.validation.validator import validate
from service.errors import DefinitionRefused
from tests.unit.validation_diagrams import chain, process, script, task

GOOD = process(chain(script("t")))


def refusal(data: bytes) -> str:
    with pytest.raises(DefinitionRefused) as caught:
        parse(data, "a.bpmn")
    (problem,) = caught.value.problems
    assert problem.file == "a.bpmn"
    assert problem.zh
    assert problem.remedy_zh
    return str(problem.en)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (GOOD[: len(GOOD) // 2], "well-formed"),
        (b"<!DOCTYPE a><a/>", "DOCTYPE"),
        (
            b"<?xml version='1.0'?>\n<!-- c -->\n<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            "DOCTYPE",
        ),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "DOCTYPE"),
        (b"<a>&undeclared;</a>", "well-formed"),
        (b"<a>\0</a>", "NUL"),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "encoding utf-7"),
        (b"<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>", "encoding"),
        (b"<a>\xff\xfe</a>", "not valid utf-8"),
        (b"<a>" * 220 + b"</a>" * 220, "deep"),
        (b"<a>" * 5000 + b"</a>" * 5000, "well-formed"),
        (b"<a>" + b"<b/>" * 60_000 + b"</a>", "too many"),
        (b"<a x='" + b"y" * 300_000 + b"'/>", "too long"),
        (b" " * (MAX_BYTES + 1), "larger than 5 MB"),
    ],
)
def test_hostile_or_broken_xml_is_refused(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


def test_the_line_of_the_fault_is_named() -> None:
    with pytest.raises(DefinitionRefused) as caught:
        parse(b"<a>\n<b>\n</a>", "a.bpmn")
    assert caught.value.problems[0].line == 3


@pytest.mark.parametrize(
    ("declared", "broken"),
    [("", b"\xff"), ("utf-8", b"\xe5\xbc"), ("gb18030", b"\xff"), ("gbk", b"\xff"), ("us-ascii", b"\xe9")],
)
def test_the_line_of_bytes_that_are_not_of_the_encoding_is_named(declared: str, broken: bytes) -> None:
    head = f"<?xml version='1.0' encoding='{declared}'?>".encode() if declared else b""
    with pytest.raises(DefinitionRefused) as caught:
        parse(head + b"<a>\n<b/>\n<c>" + broken + b"</c>\n</a>", "a.bpmn")
    assert caught.value.problems[0].line == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
def test_common_encodings_are_read(encoding: str) -> None:
    declared = "utf-8" if encoding.startswith("utf-8") else encoding
    text = f'<?xml version="1.0" encoding="{declared}"?><a name="安全培训"/>'
    assert parse(text.encode(encoding), "a.bpmn").get("name") == "安全培训"


def test_comments_do_not_cut_a_text_in_two() -> None:
    assert parse(b"<a>x = 1<!-- c -->\ny = 2</a>", "a.bpmn").text == "x = 1\ny = 2"


def test_what_is_no_bpmn_is_refused() -> None:
    assert "no BPMN" in validate({"a.bpmn": b"<html/>"})[0].en
    assert "Unknown kind" in validate({"a.exe": b"MZ"})[0].en
    assert "no diagram" in validate({})[0].en


def test_references_name_what_must_lie_beside_a_diagram() -> None:
    data = process(
        chain(
            task("u", "userTask", 'camunda:formKey="confirm"'),
            task("r", "businessRuleTask", 'camunda:decisionRef="need" camunda:resultVariable="n"'),
            task("c", "callActivity", 'calledElement="other"'),
        )
    )
    found = references(data, "a.bpmn")
    assert (found.processes, found.forms, found.decisions, found.called) == (
        ("P",),
        ("confirm",),
        ("need",),
        ("other",),
    )
