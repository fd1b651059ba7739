"""What a start costs: which libraries it loads, and which edits make the tests' template database out of date."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service.config import CHECKOUT
from tests import database
from tests.database import SOURCES, fingerprint


def test_the_application_starts_without_the_pdf_renderer() -> None:
    program = "import sys, service.app, service.worker; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=False).returncode == 0


def test_the_web_server_loads_the_pdf_renderer_before_any_request() -> None:
    program = "import sys, service.cli.gunicorn; sys.exit('weasyprint' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=False).returncode == 0


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
