"""What a start costs: which libraries it loads, and which edits make the tests' template database out of date."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory
from argon2 import PasswordHasher
from flask import Flask

from service.config import CHECKOUT
from service.migrations import configuration, newest, revisions
from service.web.shell.template_context import Templates
from service.workflow.accounts import passwords
from tests import database
from tests.database import SOURCES, fingerprint


@pytest.mark.parametrize("library", ["weasyprint", "alembic", "xlsxwriter"])
@pytest.mark.parametrize("program", ["service.app", "service.worker", "service.cli.gunicorn"])
def test_a_program_starts_without_what_few_requests_need(program: str, library: str) -> None:
    loads = f"import sys, {program}; sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], cwd=CHECKOUT, check=False).returncode == 0


def test_the_web_server_loads_the_pdf_renderer_beside_the_first_requests() -> None:
    loads = "import sys; from service.cli import gunicorn; gunicorn.load_renderer(); sys.exit('weasyprint' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], cwd=CHECKOUT, check=False).returncode == 0


def test_the_newest_migration_is_told_without_alembic_as_with_it() -> None:
    known = ScriptDirectory.from_config(configuration())
    assert ([newest()], revisions()) == (known.get_heads(), {step.revision for step in known.walk_revisions()})


def test_an_unknown_login_takes_as_long_as_a_known_one() -> None:
    assert not PasswordHasher().check_needs_rehash(passwords._HASH_OF_NOBODY)


def test_the_template_database_outlives_an_edit_of_a_rule_or_a_page() -> None:
    edited = ("service/domain/training", "service/workflow/training", "service/web", "service/models/queries")
    held = [CHECKOUT / source for source in SOURCES]
    assert not [folder for folder in edited if any((CHECKOUT / folder).is_relative_to(path) for path in held)]


def test_every_process_takes_the_same_template_database() -> None:
    program = "from tests.database import fingerprint; print(fingerprint())"
    made = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    assert made.stdout.strip() == fingerprint()


def test_another_table_or_diagram_makes_another_template_database(monkeypatch: pytest.MonkeyPatch) -> None:
    known = fingerprint()
    monkeypatch.setattr(database, "bundle_digests", lambda: ["other"])
    with_another_diagram = fingerprint()
    monkeypatch.setattr(database, "table_statements", lambda: ["CREATE TABLE other ()"])
    assert len({known, with_another_diagram, fingerprint()}) == 3


def test_templates_share_one_mapping_of_globals() -> None:
    application = Flask("pages", template_folder=str(CHECKOUT / "templates"))
    pages = Templates(application)
    assert pages.make_globals(None) is pages.globals
    with_more = pages.make_globals({"more": 1})
    assert with_more["more"] == 1
    assert "more" not in pages.globals
