"""Sealing: what was written since the last seal becomes leaves of one Merkle log; its head is signed and kept outside.

Writers never wait: leaves are collected after their commit. A row carries the number of its transaction; whatever was
written by one that had not ended at the last seal is looked for again, so that no late committer is passed over.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text

from service.infrastructure.seals import seal_keys, seal_places
from service.infrastructure.seals.merkle_log import Frontier
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.system.sealed_rows import APPEND_LEAVES, HORIZON
from service.models.tables.system.seal import Seal

LEAVES_A_SEAL = 200_000
SEALERS_LOCK = 20261129  # an advisory lock: of several workers one seals
NEVER = 1 << 62


def seal_new() -> dict[str, Any] | None:
    """Seal everything that is not sealed yet, and keep the heads; the newest, None when there was nothing.

    Raises OSError when the second place or the authority does not answer: the seals stand, and so does the file.
    """
    newest = None
    while (head := _seal_once()) is not None:
        newest = head
    keep_heads()
    return newest


def keep_heads() -> None:
    """Bring the file of heads up to the database: what a crash between commit and file left out is put in."""
    known = max((head["body"]["size"] for head in seal_places.kept_heads()), default=0)
    seal_places.keep(session().scalars(select(Seal.head).where(Seal.size > known).order_by(Seal.size)).all())


def _seal_once() -> dict[str, Any] | None:
    with transaction(Operation("seal")) as current:
        if not current.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": SEALERS_LOCK}):
            return None
        last = current.scalars(select(Seal).order_by(Seal.size.desc()).limit(1)).first()
        size = last.size if last else 0
        horizon, end = current.execute(HORIZON).one()
        since, until = (last.horizon, end) if last and last.horizon <= end else (0, NEVER)  # restored elsewhere
        range_ = {"size": size, "since": since, "until": until, "most": LEAVES_A_SEAL}
        leaves = sorted(tuple(row) for row in current.execute(APPEND_LEAVES, range_))
        if not leaves:
            return None
        frontier = Frontier.load(size, last.frontier if last else b"")
        for _number, leaf in leaves:
            frontier.append(bytes(leaf))
        at = now()
        log = last.head["body"]["log"] if last else str(new_id())
        head = seal_keys.sign({"log": log, "size": frontier.size, "root": frontier.root().hex(), "at": at.isoformat()})
        current.add(
            Seal(
                size=frontier.size,
                at=at,
                root=frontier.root(),
                frontier=frontier.save(),
                horizon=since if len(leaves) == LEAVES_A_SEAL else horizon,
                head=head,
            )
        )
    return head
