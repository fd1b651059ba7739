"""Parts of a document as one PDF: pages in their order, with the structure that makes them readable (PDF/A-3a)."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pikepdf


def merge(parts: Iterable[bytes], title: str) -> bytes:
    """Put the pages of the parts one after the other; there must be one."""
    first, *others = parts
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(first)) as whole:
        for part in others:
            with pikepdf.open(io.BytesIO(part)) as document:
                _append(whole, document)
        del whole.trailer["/Info"]
        with whole.open_metadata(set_pikepdf_as_editor=False) as said:
            said["dc:title"] = title
        whole.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def _append(whole: pikepdf.Pdf, part: pikepdf.Pdf) -> None:
    """Append the pages of a part, its numbers of marked content and its structure behind those that are there."""
    tree, other = whole.Root.get("/StructTreeRoot"), part.Root.get("/StructTreeRoot")
    offset = int(tree.get("/ParentTreeNextKey", len(whole.pages))) if tree is not None else 0
    count = len(part.pages)
    whole.pages.extend(part.pages)
    if tree is None or other is None:
        return
    for page in whole.pages[-count:]:
        if "/StructParents" in page.obj:
            page.obj.StructParents = int(page.obj.StructParents) + offset
    copied = whole.copy_foreign(other if other.is_indirect else part.make_indirect(other))
    for child in _kids(copied):
        child.P = tree
        tree.K.append(child)
    numbers = copied.ParentTree.Nums
    for at in range(0, len(numbers), 2):
        tree.ParentTree.Nums.append(int(numbers[at]) + offset)
        tree.ParentTree.Nums.append(numbers[at + 1])
    tree.ParentTreeNextKey = offset + int(copied.get("/ParentTreeNextKey", count))


def _kids(tree: Any) -> list[Any]:
    return list(tree.K) if isinstance(tree.K, pikepdf.Array) else [tree.K]
