"""The proof of the log: its leaves are the rows that stand, its roots those that were signed and kept outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.infrastructure.seals import seal_keys, seal_places
from service.infrastructure.seals.merkle_log import roots
from service.models.db.session import session
from service.models.queries.system.sealed_rows import ALTERED, BACKDATED, LEAVES, UNSEALED
from service.models.tables.system.seal import Seal
from service.workflow.runtime.verification import Difference

SHORTER = "an older database was put back, or rows are gone"


@dataclass(slots=True)
class SealReport:
    """Facts of the log: its size, the newest head, and what stands without a seal. kept: the heads outside, read before
    the moment of the database that is looked at begins; those that are kept later are of later rows.
    """

    kept: list[dict[str, Any]] = field(default_factory=seal_places.kept_heads)
    leaves: int = 0
    head: dict[str, Any] | None = None
    unsealed: int = 0
    oldest_unsealed: datetime | None = None
    unsealed_cases: set[UUID] = field(default_factory=set)


def seal_differences(report: SealReport) -> Iterator[Difference]:
    """Every difference of the log from what stands, and from the heads inside and outside; fills the report."""
    heads = {seal.size: seal.head for seal in session().scalars(select(Seal).order_by(Seal.size))}
    kept = {head["body"]["size"]: head for head in report.kept}
    report.head = heads[max(heads)] if heads else None
    leaves = [bytes(leaf) for leaf in session().scalars(LEAVES)]
    report.leaves = len(leaves)
    yield from _head_differences(leaves, heads, kept)
    for kind, key, is_missing, _number in session().execute(ALTERED):
        detail = f"{kind} {key}: {'gone' if is_missing else 'altered'} since it was sealed"
        yield Difference(_case_of(kind, key), "seal", detail)
    for kind, key, at, sealed in session().execute(BACKDATED):
        detail = f"{kind} {key}: says that it is of {at:%F %H:%M}, and was not there at the seal of {sealed:%F %H:%M}"
        yield Difference(_case_of(kind, key), "seal", detail)
    for kind, key, at in session().execute(UNSEALED):
        report.unsealed += 1
        report.oldest_unsealed = min(at, report.oldest_unsealed or at)
        if case_id := _case_of(kind, key):
            report.unsealed_cases.add(case_id)


def _head_differences(leaves: list[bytes], heads: dict[int, Any], kept: dict[int, Any]) -> Iterator[Difference]:
    """Heads that are not signed, are not of this log, or are gone."""
    found = {size: root.hex() for size, root in roots(leaves, sorted({*heads, *kept}))}
    for size, head in sorted([*heads.items(), *kept.items()], key=lambda item: item[0]):
        if not seal_keys.is_signed(head) or head["body"]["size"] != size:
            yield Difference(None, "seal", f"seal {size}: not signed by a key of ours")
        elif size not in found:
            yield Difference(None, "seal", f"seal {size}: the log is shorter now: {SHORTER}")
        elif found[size] != head["body"]["root"]:
            yield Difference(None, "seal", f"seal {size}: the log was written anew")
    for size in sorted(kept.keys() - heads.keys()):
        if size in found:
            yield Difference(None, "seal", f"seal {size}: kept outside, and gone from the database")
    if heads and len(leaves) != max(heads):
        yield Difference(None, "seal", f"{len(leaves)} leaves, and the last seal is over {max(heads)}")


def _case_of(kind: str, key: str) -> UUID | None:
    return UUID(key.partition("/")[0]) if kind == "journal" else None
