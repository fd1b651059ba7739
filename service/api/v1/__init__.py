"""``/api/v1``: the same use cases, rules and scopes as the pages, as JSON for machines.

A module a noun, each with ``blp``.
"""

from __future__ import annotations

from flask import Flask

from service.api.v1 import (
    account,
    certificates,
    classes,
    corrections,
    documents,
    enrollments,
    persons,
    reports,
    scores,
    undo,
    units,
)

BLUEPRINTS = (
    account.blp,
    units.blp,
    persons.blp,
    corrections.blp,
    classes.blp,
    enrollments.blp,
    scores.blp,
    certificates.blp,
    reports.blp,
    undo.blp,
)


def register(app: Flask) -> None:
    """Put the blueprints and the document that describes them into the application."""
    documents.register(app, BLUEPRINTS)
