"""Try-outs: a table on facts, a diagram with invented people, the model tests beside a diagram. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service import engine
from service.engine import ValidationIssue
from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.rehearsal import MOST_SECONDS, Rehearsal, verdict
from service.engine.rehearsal import rehearse as play
from service.engine.validation.model_tests import ScriptRefused, read_model_tests
from service.errors import N_, DefinitionRefused, InvalidInput
from service.workflow.processes import definitions
from service.workflow.processes.vocabulary import vocabulary

TESTS = definitions.PROCESSES / "tests"
DAY = "2026-01-05"
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A model test and what became of it: empty texts where it went as expected."""

    name: str
    name_en: str = ""
    zh: str = ""
    en: str = ""


def decide(key: str, files: Mapping[str, str], table: Any, facts: Any) -> dict[str, Any]:
    """Evaluate a table of a draft. Raises InvalidInput where the facts are none."""
    if not isinstance(facts, dict) or not isinstance(table, str):
        raise InvalidInput({"facts": N_("请以 JSON 对象写出各项输入。")})
    try:
        definition = _definition(key, files)
        return {"result": engine.evaluate_decision(definition, table, facts)}
    except (DefinitionRefused, engine.StepError) as error:
        return {"problem": _said(error)}


def rehearse(key: str, files: Mapping[str, str], script: Any) -> dict[str, Any]:
    """Play a case on a draft, and tell each moment. Raises InvalidInput where the script is none."""
    if not isinstance(script, dict):
        raise InvalidInput({"script": N_("请以 JSON 对象写出试运行。")})
    try:
        played = play(_definition(key, files), script, invent)
    except DefinitionRefused as error:
        return {"problem": _said(error), "moments": []}
    return {
        "problem": list(played.problem) if played.problem[0] else "",
        "moments": _told(played),
        "ended": played.ended,
    }


def _told(played: Rehearsal) -> list[dict[str, Any]]:
    return [
        {
            "act": moment.act,
            "passed": moment.passed,
            "flows": moment.flows,
            "waiting": [{"element": element, "role": role, "form": form} for element, role, form in moment.waiting],
            "listening": moment.listening,
            "data": moment.data,
            "ended": moment.ended,
        }
        for moment in played.moments
    ]


def _definition(key: str, files: Mapping[str, str]) -> engine.Definition:
    return engine.read_definition({name: text.encode() for name, text in files.items()}, key)


def _said(error: DefinitionRefused | engine.StepError) -> list[str]:
    if isinstance(error, DefinitionRefused) and error.problems:
        first = error.problems[0]
        return [f"{first.zh}{first.remedy_zh}", f"{first.en} {first.remedy_en}"]
    return [str(error), str(error)]


def invent(topic: str) -> dict[str, Any]:
    """Make up what a topic gives: a value it may have, else one that its name suggests."""
    known = vocabulary().topics.get(topic)
    if known is None:
        return {}
    return {
        name: min(known.values[name]) if known.values.get(name) else _invented(name) for name in sorted(known.gives)
    }


def invent_start(key: str) -> dict[str, Any]:
    """Make up what this service starts cases of a process with; nothing for processes that it does not know."""
    described = vocabulary().processes.get(key)
    return {name: _invented(name) for name in sorted(described.starts_with | described.starter)} if described else {}


def _invented(name: str) -> Any:
    if name.startswith(("is_", "has_", "was_", "needs_")) or name.endswith(
        ("_allowed", "passed", "printed", "closed", "came")
    ):
        return False
    if name.endswith(("_at", "_by", "_until", "_from", "_to", "_on", "today", "_date")):
        return DAY
    if name.endswith("_within"):
        return "P5D"
    return 1 if name in ("attempt", "pass_mark", "score", "makeup_left") else name


def model_tests_of(key: str, files: Mapping[str, str] | Files, folder: Path = TESTS) -> bytes:
    """The model tests of a process as a text: those of the bundle, else those that stand beside the shipped diagram."""
    if (own := files.get(f"{key}.yaml")) is not None:
        return own.encode() if isinstance(own, str) else own
    file = folder / f"{key}.yaml"
    return file.read_bytes() if file.is_file() else b""


def run_tests(
    key: str, files: Mapping[str, str] | Files, folder: Path = TESTS, *, is_checked: bool = False
) -> list[Outcome]:
    """Run the model tests of a process on a bundle; none where the bundle cannot be read. is_checked: the gate has let
    it pass just now.
    """
    bundle = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    try:
        tests = read_model_tests(model_tests_of(key, files, folder))
        definition = engine.read_definition(bundle, key, validate=not is_checked) if tests else None
    except DefinitionRefused:
        return []
    except ScriptRefused as misfit:
        return [Outcome(f"{key}.yaml", "", *misfit.args)]
    if definition is None:
        return []
    meter = CpuMeter(MOST_SECONDS)  # somebody waits for all of them
    return [
        Outcome(one["name"], one.get("name_en", ""), *verdict(play(definition, one, invent, meter), one))
        for one in tests
    ]


def issues(files: Files, folder: Path = TESTS) -> list[ValidationIssue]:
    """Model tests that fail on a bundle, as issues of the gate."""
    try:
        key = engine.process_of(files)
    except DefinitionRefused:
        return []
    return [
        ValidationIssue(
            f"tests/{key}.yaml",
            0,
            "",
            f"模型测试“{one.name}”不符：{one.zh}",
            f"The model test “{one.name_en or one.name}” fails: {one.en}",
            "改图，或改测试。",
            "Mend the diagram, or the test.",
            rule="model_tests",
            severity="warning",
        )
        for one in run_tests(key, files, folder)
        if one.zh
    ]


def check(paths: list[Path]) -> list[ValidationIssue]:
    """Run the model tests beside diagrams, as ``anpei check`` does; of what cannot be read the gate says why."""
    found: list[ValidationIssue] = []
    for path in (path for path in paths if path.suffix == ".bpmn"):
        with suppress(DefinitionRefused):
            found += issues(definitions.bundle(path), path.parent / "tests")
    return found
