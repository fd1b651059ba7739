"""``anpei check --json``: SARIF 2.1.0 of every issue, each with rule, place, sentence and remedy in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from service.cli.processes import check
from service.config import CHECKOUT

SHIPPED = CHECKOUT / "processes" / "personnel_approval.bpmn"
SLIPS = {
    "refused": ('candidateGroups="provincial_authority"', 'candidateGroups="provincial_autority"', 1, 1),
    "warning": ('name="deregister"', 'name="leave_for_good"', 0, 1),
    "note": ("", "", 0, 0),
}
"""Severity → what is replaced by what, and the exit codes without and with --strict."""


@pytest.mark.parametrize("severity", SLIPS)
def test_an_issue_is_a_result_with_rule_place_and_both_languages(severity: str, tmp_path: Path) -> None:
    old, new, code, strict_code = SLIPS[severity]
    file = tmp_path / SHIPPED.name
    file.write_text(SHIPPED.read_text().replace(old, new, 1) if old else SHIPPED.read_text())
    runner = CliRunner()
    assert runner.invoke(check, [str(file)]).exit_code == code
    assert runner.invoke(check, [str(file), "--strict"]).exit_code == strict_code
    answer = runner.invoke(check, [str(file), "--json"])
    report = json.loads(answer.stdout)
    assert (report["version"], answer.exit_code) == ("2.1.0", code)
    (run,) = report["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    level = {"refused": "error"}.get(severity, severity)
    assert level in {result["level"] for result in run["results"]}
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        place = result["locations"][0]
        assert place["physicalLocation"]["artifactLocation"]["uri"]
        assert place["physicalLocation"]["region"]["startLine"] > 0
        assert place["logicalLocations"][0]["name"]
        assert all(result["properties"][language][part] for language in ("zh", "en") for part in ("sentence", "remedy"))


def test_a_file_of_any_name_is_a_reference_as_the_schema_asks(tmp_path: Path) -> None:
    """SARIF 2.1.0 §3.4.3: ``uri`` is a URI reference, so that blanks and Chinese are percent-encoded."""
    file = tmp_path / "人员 审批.bpmn"
    file.write_text(SHIPPED.read_text().replace(*SLIPS["refused"][:2], 1))
    report = json.loads(CliRunner().invoke(check, [str(file), "--json"]).stdout)
    results = [result for result in report["runs"][0]["results"] if result["level"] == "error"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results]
    assert quote(file.name) in places
    assert all(re.fullmatch(r"[A-Za-z0-9._~/%-]+", place) for place in places)


def test_a_folder_without_diagrams_is_no_success(tmp_path: Path) -> None:
    assert CliRunner().invoke(check, [str(tmp_path)]).exit_code == 1


def test_a_table_alone_is_checked_with_the_diagrams_that_use_it(tmp_path: Path) -> None:
    """One need not know that a diagram carries a table."""
    runner = CliRunner()
    shipped = CHECKOUT / "processes" / "training_need.dmn"
    assert runner.invoke(check, [str(shipped)]).exit_code == 0
    file = tmp_path / shipped.name
    file.write_text(shipped.read_text().replace("<text>is_expired</text>", "<text>is_expird</text>"))
    answer = runner.invoke(check, [str(file)])
    assert answer.exit_code == 1
    assert "training_need.dmn" in answer.stdout
    assert "is_expired" in answer.stdout
    unused = tmp_path / "unused.form"
    unused.write_text('{"components": []}')
    assert "unused.form:0" in runner.invoke(check, [str(unused)]).stdout
