"""``anpei check`` tells warnings in both languages; they stop nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import processes
from tests.unit.validation_diagrams import chain, process, script, task

SOUND = script("a")
WARNED = task("w", "serviceTask")
REFUSED = task("r", "serviceTask", 'camunda:class="x.Y"')


@pytest.mark.parametrize(
    ("nodes", "problems", "warnings"),
    [((SOUND,), 0, 0), ((WARNED,), 0, 1), ((REFUSED,), 1, 1), ((WARNED, REFUSED), 1, 2)],
)
def test_check_prints_each_in_both_languages_and_counts(
    tmp_path: Path, nodes: tuple[str, ...], problems: int, warnings: int
) -> None:
    (tmp_path / "m.bpmn").write_bytes(process(chain(*nodes)))
    done = CliRunner().invoke(processes.check, [str(tmp_path)])
    *told, last = done.output.splitlines()
    chinese, english = told[::2], told[1::2]
    counted = sum(": 提醒 " in line for line in chinese)
    assert last.startswith(f"diagrams: 1 read, {problems} problems, {counted} warnings")
    assert done.exit_code == (1 if problems else 0)
    assert sum("提醒 tasks_say_what_to_do: serviceTask 没有写明做什么" in line for line in chinese) == warnings
    assert sum("warning tasks_say_what_to_do: The serviceTask does not say" in line for line in english) == warnings
    assert len(chinese) == len(english)
