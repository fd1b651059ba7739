"""A page that a POST shows cannot be reloaded or gone back to: all but those named here lead to one by GET."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from service.config import CHECKOUT

ONCE = "shown this once: neither a reload nor a way back is to show it again"
PART = "a part of a page, for its script"
REFUSED = "which of many were refused and why; sent again, what was done is not done twice"
SHOWS = {
    "certificate_actions.deregister_many": REFUSED,
    "classes.enroll": REFUSED,
    "corrections.reveal": ONCE,
    "enrollments.check_in": REFUSED,
    "enrollments.import_scores": "what was read from a file, to be looked at before it is sent",
    "enrollments.record_scores": REFUSED,
    "inbox.assign": REFUSED,
    "inbox.complete": REFUSED,
    "incidents.retry": REFUSED,
    "persons.reveal": ONCE,
    "printing.hand_out": REFUSED,
    "studio.preview": PART,
    "undo.take_back_batch": REFUSED,
    "users.create": ONCE,
    "users.reset": ONCE,
    "worksheets.complete": REFUSED,
}
"""Views that answer a POST with a page, and why."""


def views() -> Iterator[tuple[str, ast.FunctionDef, dict[str, ast.FunctionDef]]]:
    for file in sorted((CHECKOUT / "service" / "web" / "views").rglob("*.py")):
        tree = ast.parse(file.read_text())
        local = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for name, node in local.items():
            if any(ast.unparse(mark).startswith("bp.post(") for mark in node.decorator_list):
                yield f"{file.stem}.{name}", node, local


def shows(node: ast.FunctionDef, local: dict[str, ast.FunctionDef], seen: frozenset[str] = frozenset()) -> bool:
    """Tell whether what a function returns, by itself or by another of its module, is a page."""
    called = {
        ast.unparse(call.func)
        for one in ast.walk(node)
        if isinstance(one, ast.Return) and one.value
        for call in ast.walk(one.value)
        if isinstance(call, ast.Call)
    }
    if called & {"render_template", "render_template_string"}:
        return True
    return any(shows(local[name], local, seen | {name}) for name in called & local.keys() - seen)


def test_no_post_answers_with_a_page() -> None:
    found = {name for name, node, local in views() if shows(node, local)}
    assert found == SHOWS.keys(), (sorted(found - SHOWS.keys()), sorted(SHOWS.keys() - found))
