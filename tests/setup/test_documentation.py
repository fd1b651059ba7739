"""Paths that the documents name are there."""

from __future__ import annotations

import re

from service.config import CHECKOUT

DOCUMENTS = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")]
PATH = re.compile(
    r"`((?:service|tests|docs|setup|templates|processes|forms|api|web|workflow|models|engine|domain|reports|operations|handlers|infrastructure|presenters)/[\w./-]*\w)`"
)
ROOTS = ("", "service", "service/web")


def test_every_path_in_the_documents_exists() -> None:
    missing = [
        f"{document.relative_to(CHECKOUT)}: {path}"
        for document in DOCUMENTS
        if document.name != "CHANGELOG.md"  # it tells of what was
        for path in PATH.findall(document.read_text())
        if not any((CHECKOUT / root / path).exists() for root in ROOTS)
    ]
    assert not missing, "\n".join(missing)
