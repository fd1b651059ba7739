"""The recipes of CONTRIBUTING.md, followed on a copy of the checkout: how many files each touches, and what it gives."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from service.config import CHECKOUT, DATABASE_VARIABLES
from service.infrastructure.postgres import Server
from tests.setup.recipes import CATALOGUE, MIGRATIONS, Recipe, all_recipes

COPIED = ("service", "templates", "processes", "forms", "setup", "tests")
RECIPES = all_recipes(CHECKOUT / MIGRATIONS)
PROOFS = ("tests/setup/recipe_proofs.py", "tests/process/test_shipped_diagrams.py", "tests/unit/test_record_fields.py")

each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)


@dataclass(frozen=True, slots=True)
class Followed:
    """A copy in which every recipe was followed; touched: the files that each has changed or written, by its title."""

    home: Path
    touched: dict[str, set[str]]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    home = tmp_path_factory.mktemp("recipes")
    for folder in COPIED:
        shutil.copytree(CHECKOUT / folder, home / folder, symlinks=True)
    shutil.copy2(CHECKOUT / "pyproject.toml", home)
    touched, before = {}, _digests(home)
    for recipe in RECIPES:
        recipe.apply(home)
        after = _digests(home)
        touched[recipe.title] = {name for name, digest in after.items() if before.get(name) != digest}
        before = after
    with (home / CATALOGUE).open("rb") as source, (home / CATALOGUE).with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, read_po(source, locale="en"))
    return Followed(home, touched)


def _digests(home: Path) -> dict[str, str]:
    files = (file for folder in COPIED for file in (home / folder).rglob("*") if file.is_file())
    return {
        str(file.relative_to(home)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if "__pycache__" not in file.parts
    }


@each
def test_a_recipe_touches_few_files(followed: Followed, recipe: Recipe) -> None:
    assert 0 < len(followed.touched[recipe.title]) <= recipe.max_files, followed.touched[recipe.title]


@each
def test_contributing_names_every_file_of_a_recipe(followed: Followed, recipe: Recipe) -> None:
    told = (CHECKOUT / "CONTRIBUTING.md").read_text().partition(f"### {recipe.title}\n")[2].partition("\n#")[0]
    named = re.findall(r"`([\w/.<>]+)`", told)
    assert len(named) == len(set(named))
    for name in followed.touched[recipe.title]:
        assert any(re.fullmatch(re.sub(r"<\w+>", r"\\w+", one), name) for one in named), name


def test_what_the_recipes_promise_is_there(followed: Followed, server: Server, template_database: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in DATABASE_VARIABLES}
    chosen = {"ANPEI_DATA_DIR": str(server.home.parent), "ANPEI_TEST_TEMPLATE": template_database}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", *PROOFS],
        cwd=followed.home,
        env=kept | chosen,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
