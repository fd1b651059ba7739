"""``/api/v1``: the same use cases, rules and scopes as the pages, as JSON for machines. A module a noun, each with ``room``."""

from __future__ import annotations

from flask import Blueprint, Flask

from service.api.v1 import account, certificates, classes, documents, enrollments, persons, reports, scores, units

ROOMS = (
    account.room,
    units.room,
    persons.room,
    classes.room,
    enrollments.room,
    scores.room,
    certificates.room,
    reports.room,
)


def register(app: Flask) -> list[Blueprint]:
    """Put the rooms and the document that describes them into the application; returns the blueprints."""
    return documents.register(app, ROOMS)
