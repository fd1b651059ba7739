"""Completeness: whoever breaks a rule of the domain (R1–R88), where it runs, breaks a test that is named for it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.config import CHECKOUT, DATABASE_VARIABLES
from service.infrastructure.postgres import Server
from tests.rules.mutations import LATER, MUTATIONS, Mutation

RULES = range(1, 89)
COPIED = ("service", "templates", "processes", "forms", "setup", "tests")


class Copy:
    """A copy of the checkout and a process in it that runs tests, each time with one file changed."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        for folder in COPIED:
            shutil.copytree(CHECKOUT / folder, home / folder, symlinks=True)
        shutil.copy2(CHECKOUT / "pyproject.toml", home)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rules.forkserver"],
            cwd=home,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, tests: tuple[str, ...], file: str = "", text: str = "") -> tuple[dict[str, str], str]:
        """The outcome of each test, and what pytest said."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"file": file, "text": text, "tests": tests}), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer["outcomes"], answer["output"]

    def stop(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory, server: Server, template_database: str) -> Iterator[Copy]:
    """One copy for each test process, on the test server and the template of the checkout itself."""
    kept = {name: value for name, value in os.environ.items() if name not in DATABASE_VARIABLES}
    chosen = {"ANPEI_DATA_DIR": str(server.home.parent), "ANPEI_TEST_TEMPLATE": template_database}
    made = Copy(tmp_path_factory.mktemp("mutants"), kept | chosen | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    yield made
    made.stop()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_a_broken_rule_breaks_its_tests(copy: Copy, mutation: Mutation) -> None:
    changed = _text(mutation.file).replace(mutation.old, mutation.new)
    outcomes, output = copy.run(mutation.killers, mutation.file, changed)
    assert outcomes == dict.fromkeys(mutation.killers, "failed"), output


def test_every_row_names_text_and_tests_that_are_there() -> None:
    """Otherwise a rule or a test was moved or reworded, and the row is to be written again."""
    stale = [(row.rule, row.file, row.old) for row in MUTATIONS if _text(row.file).count(row.old) != 1]
    gone = [name for row in MUTATIONS for name in row.killers if not _is_there(*name.split("::"))]
    assert (stale, gone) == ([], [])


def _text(file: str) -> str:
    path = CHECKOUT / file
    return path.read_text() if path.exists() else ""


def _is_there(file: str, test: str) -> bool:
    return f"def {test}(" in _text(file)


def test_unbroken_rules_break_no_test(copy: Copy) -> None:
    named = tuple(dict.fromkeys(killer for mutation in MUTATIONS for killer in mutation.killers))
    outcomes, output = copy.run(named)
    assert {name: outcome for name, outcome in outcomes.items() if outcome != "passed"} == {}, output


def test_every_rule_of_the_domain_is_broken_once() -> None:
    broken = {int(mutation.rule[1:]) for mutation in MUTATIONS if mutation.rule.startswith("R")}
    assert sorted({*broken, *LATER}) == [*RULES]


def test_nothing_of_the_domain_is_used_by_tests_alone() -> None:
    trees = {_module(path): ast.parse(path.read_text()) for path in (CHECKOUT / "service").rglob("*.py")}
    rules = {
        (module, name)
        for module, tree in trees.items()
        if module.startswith("service.domain.")
        for statement in tree.body
        for name in _defined(statement)
    }
    assert sorted(rules - {use for module, tree in trees.items() for use in _uses(module, tree)}) == []


def _module(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _uses(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Module and name of everything that a module reads: its own names, imported ones, and those of imported modules."""
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield imported.get(node.id, (module, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            yield ".".join(imported[node.value.id]), node.attr
