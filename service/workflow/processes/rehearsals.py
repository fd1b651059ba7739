"""Try-outs: a table on facts, a diagram with invented people, the model tests beside a diagram. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from service import engine
from service.engine import ValidationIssue
from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.rehearsal import MOST_SECONDS, Rehearsal, verdict
from service.engine.rehearsal import rehearse as play
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
            "waiting": [{"element": element, "role": role} for element, role in moment.waiting],
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


def _invented(name: str) -> Any:
    if name.startswith(("is_", "has_", "was_", "needs_")) or name.endswith(
        ("_allowed", "passed", "printed", "closed", "came")
    ):
        return False
    if name.endswith(("_at", "_by", "_until", "_from", "_to", "_on", "today", "_date")):
        return DAY
    return 1 if name in ("attempt", "pass_mark", "score", "makeup_left") else name


def read_tests(key: str, folder: Path = TESTS) -> list[dict[str, Any]]:
    """The model tests of a process. Raises ValueError for a file that is none."""
    file = folder / f"{key}.yaml"
    if not file.is_file():
        return []
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(read, list) or not all(isinstance(one, dict) and one.get("name") for one in read):
        raise ValueError(f"{file.name}: a list of tests, each with a name")
    return read


def run_tests(
    key: str, files: Mapping[str, str] | Files, folder: Path = TESTS, *, is_checked: bool = False
) -> list[Outcome]:
    """Run the model tests of a process on a bundle; none where the bundle cannot be read. is_checked: the gate has let
    it pass just now.
    """
    bundle = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    try:
        tests = read_tests(key, folder)
        definition = engine.read_definition(bundle, key, validate=not is_checked) if tests else None
    except DefinitionRefused:
        return []
    except (ValueError, yaml.YAMLError) as error:
        return [Outcome(f"{key}.yaml", str(error), str(error))]
    if definition is None:
        return []
    meter = CpuMeter(MOST_SECONDS)  # somebody waits for all of them
    return [Outcome(str(one["name"]), *verdict(play(definition, one, invent, meter), one)) for one in tests]


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
            f"The model test “{one.name}” fails: {one.en}",
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
