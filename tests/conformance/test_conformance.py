"""``anpei conformance DIR``: on the models that others drew where they lie beside the checkout, always on models of our own."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from service.engine.conformance.manifest import Expected
from service.engine.conformance.runner import Totals, run
from service.engine.conformance.verdict import agrees
from tests.conformance.scenarios import wait
from tests.unit.validation_diagrams import chain, process, script, task

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("ANPEI_CONFORMANCE") or ROOT.parent / "shared" / "conformance")
REQUIRED_RIGHT = {"betsy": 34, "public_reports": 75, "betsy_constraints": 72, "xml_attacks": 19, "dmn_tck": 598}


def judged(folder: Path) -> tuple[Totals, str]:
    out = io.StringIO()
    return run(folder, out), out.getvalue()


def write(folder: Path, manifest: str, entries: list[dict[str, object]], **files: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / manifest).write_text(json.dumps(entries), encoding="utf-8")
    for name, data in files.items():
        (folder / f"{name}.bpmn").write_bytes(data)


def case(*expected: str, **more: object) -> dict[str, object]:
    return {
        "input": None,
        "integerVariable": 0,
        "parallelProcess": False,
        "delay_ms": 0,
        "expected": list(expected),
        **more,
    }


KIT_MODEL = """<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" id="m" name="m" namespace="urn:m">
<decision id="_sum" name="sum"><variable name="sum"/><literalExpression><text>1 + 1</text></literalExpression></decision>
<decision id="_java" name="java"><variable name="java"/><literalExpression expressionLanguage="java"><text>1</text>
</literalExpression></decision></definitions>"""
_EXPECTED = '<resultNode name="{}"><expected><value xsi:type="xsd:decimal">{}</value></expected></resultNode>'
KIT_CASES = (
    '<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><modelName>m.dmn</modelName>'
    + "".join(
        f'<testCase id="{place}">{_EXPECTED.format(name, value)}</testCase>'
        for place, (name, value) in enumerate([("sum", 2), ("sum", 3), ("java", 1)])
    )
    + "</testCases>"
)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with every kind of expectation, and one model that does not do what its manifest says."""
    good = process(chain(script("a", "trace('A')"), script("b", "trace(test)")))
    models = [
        {
            "name": "good",
            "file": "good.bpmn",
            "process_id": "P",
            "cases": [case("A", "x", input="x"), case("A", "y", input="y")],
        },
        {"name": "pausing", "file": "pausing.bpmn", "process_id": "P", "cases": [case("B", delay_ms=20_000)]},
        {"name": "impatient", "file": "pausing.bpmn", "process_id": "P", "cases": [case(delay_ms=1_000)]},
        {"name": "refused", "file": "refused.bpmn", "process_id": "P", "cases": [case("A")]},
        {"name": "failing", "file": "failing.bpmn", "process_id": "P", "cases": [case("ERROR_runtime")]},
        {"name": "misjudged", "file": "good.bpmn", "process_id": "P", "cases": [case("Z")]},
    ]
    write(
        tmp_path / "betsy",
        "cases.json",
        models,
        good=good,
        pausing=process(chain(wait("w", 10), script("b", "trace('B')"))),
        refused=process(chain(task("c", "complexGateway"))),
        failing=process(chain(script("f", "fail('no')"))),
    )
    attacks = [
        {"file": "good.bpmn", "expected": "deployable and runs to the end", "leak_markers": []},
        {"file": "broken.bpmn", "expected": "clean rejection", "leak_markers": ["root:x:0:0"]},
        {"file": "import.bpmn", "expected": "script sandbox: no import"},
        {"file": "user.bpmn", "expected": "clean_rejection_or_deployable"},
    ]
    write(
        tmp_path / "attacks",
        "manifest.json",
        attacks,
        good=process(chain(script("a", "x = 1"))),
        broken=b"<a>",
        **{"import": process(chain(script("i", "import os"))), "user": process(chain(task("u", "userTask")))},
    )
    write(tmp_path / "rules", "manifest.json", [{"file": "good.bpmn", "rule": "X", "expected": "rejected"}], good=good)
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "m.dmn").write_text(KIT_MODEL, encoding="utf-8")
    (tmp_path / "kit" / "m-test-01.xml").write_text(KIT_CASES, encoding="utf-8")
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_every_folder_of_the_form_is_judged(small: Path) -> None:
    total, said = judged(small)
    lines = said.splitlines()
    assert "betsy: right 4 (ran 4, refused 0) rejected 1 wrong 1 crashed 0 of 6" in lines
    assert "attacks: right 4 (ran 2, refused 2) rejected 0 wrong 0 crashed 0 of 4" in lines
    assert "rules: right 0 (ran 0, refused 0) rejected 0 wrong 1 crashed 0 of 1" in lines
    assert "kit: right 1 (ran 1, refused 0) rejected 1 wrong 1 crashed 0 of 3" in lines
    assert lines[-1] == "total: right 9 (ran 7, refused 2) rejected 2 wrong 3 crashed 0 of 14"
    assert not total.is_sound
    assert next(line for line in lines if line.startswith("betsy/misjudged")).startswith("betsy/misjudged: wrong: ")
    assert len(lines) == 14 + 5


def test_a_folder_with_a_manifest_of_its_own_is_judged_alone(small: Path) -> None:
    total, said = judged(small / "attacks")
    assert total.is_sound
    assert said.splitlines()[-1] == "total: right 4 (ran 2, refused 2) rejected 0 wrong 0 crashed 0 of 4"


def test_a_model_that_kills_its_judge_is_a_crash_and_the_next_is_judged(small: Path) -> None:
    write(
        small / "gone",
        "manifest.json",
        [{"file": "missing.bpmn", "expected": "deployable"}, {"file": "a.bpmn", "expected": "rejected"}],
        a=b"",
    )
    assert "gone: right 1 (ran 0, refused 1) rejected 0 wrong 0 crashed 1 of 2" in judged(small / "gone")[1]


@pytest.mark.parametrize(
    ("tokens", "expected", "agree"),
    [
        (["A", "B"], ("B", "A"), True),
        (["A"], ("A", "A"), False),
        (["A", "MARKER_exists", "MARKER_exists"], ("MARKER_exists", "A"), True),
        (["ERROR_runtime"], ("ERROR",), True),
        (["ERROR_runtime"], ("ERROR_thrownErrorEvent",), False),
        (["PAR1_a", "PAR2_a", "PAR1_b", "PAR2_b", "T"], ("EXECUTION_parallel", "T"), True),
        (["PAR1_a", "PAR1_b", "PAR2_a", "PAR2_b", "T"], ("EXECUTION_parallel", "T"), False),
    ],
)
def test_tokens_are_compared_as_the_manifest_means_them(
    tokens: list[str], expected: tuple[str, ...], agree: bool
) -> None:
    assert agrees(tokens, expected) is agree


def test_the_words_of_a_manifest_are_understood() -> None:
    assert Expected.of("rejected") == Expected(may_run=False, may_refuse=True, must_end=False, must_fail=False)
    assert Expected.of("reject (any DOCTYPE)") == Expected(
        may_run=False, may_refuse=True, must_end=False, must_fail=False
    )
    assert Expected.of("deployable") == Expected(may_run=True, may_refuse=False, must_end=False, must_fail=False)
    assert Expected.of("deployable or clean rejection").may_refuse
    assert Expected.of("clean rejection or bounded run").may_run
    assert Expected.of("deployable and terminates").must_end
    assert Expected.of("bounded incident; must not block the worker").must_fail


def test_no_model_of_others_is_executed_otherwise_than_bpmn_says(small: Path) -> None:
    """Without a folder of others' models beside the checkout, the sound part of our own stands in for it."""
    total, said = judged(FOLDER if FOLDER.is_dir() else small / "attacks")
    lines = said.splitlines()
    assert total.is_sound, said
    right = {line.split(":")[0]: int(line.split()[2]) for line in lines if " crashed 0 of " in line}
    assert [name for name, least in REQUIRED_RIGHT.items() if name in right and right[name] < least] == []
