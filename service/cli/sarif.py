"""Issues of the gate as SARIF 2.1.0, which tools of continuous integration read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from service import __version__
from service.engine import ValidationIssue

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"refused": "error", "warning": "warning", "note": "note"}


def report(found: Iterable[ValidationIssue]) -> dict[str, Any]:
    """One run of the gate: a result an issue, each with rule, place, sentence and remedy in both languages."""
    issues = list(found)
    rules = sorted({_rule(issue) for issue in issues})
    driver = {"name": "anpei check", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    results = [_result(issue, rules.index(_rule(issue))) for issue in issues]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(issue: ValidationIssue) -> str:
    return issue.rule or "files_are_read"


def _result(issue: ValidationIssue, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(issue.file) or "."}}
    if issue.line:
        place["region"] = {"startLine": issue.line}
    location: dict[str, Any] = {"physicalLocation": place}
    if issue.element:
        location["logicalLocations"] = [{"name": issue.element, "kind": "element"}]
    return {
        "ruleId": _rule(issue),
        "ruleIndex": index,
        "level": LEVELS[issue.severity],
        "message": {"text": f"{issue.zh}{issue.remedy_zh} {issue.en} {issue.remedy_en}".strip()},
        "locations": [location],
        "properties": {
            "zh": {"sentence": issue.zh, "remedy": issue.remedy_zh},
            "en": {"sentence": issue.en, "remedy": issue.remedy_en},
        },
    }
