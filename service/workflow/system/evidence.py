"""Evidence of cases as one file, which ``verify.py`` checks alone: journals, diagrams, the signed head, the proofs."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.engine import journal
from service.errors import N_, Conflict, NotAllowed, NotFound
from service.evidence import verify
from service.infrastructure.seals import seal_keys
from service.infrastructure.seals.merkle_log import Tree
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.system.sealed_rows import LEAVES
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import JournalRow
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.seal import Seal, SealLeaf
from service.workflow.processes import definitions

FORMAT = "anpei-evidence/1"
HEADS = 200  # older heads whose agreement with the newest is proved
More = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""From the files of the evidence, by name, to others that go with them."""
INSTANT = (2000, 1, 1, 0, 0, 0)  # of the files in the archive: the same evidence is the same bytes


def evidence_for(user: User, case_ids: Sequence[UUID], more: More = lambda _files: {}) -> bytes:
    """The evidence of cases for an auditor; that it was taken is remembered. Raises NotAllowed, NotFound."""
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
    content = make_evidence(case_ids, more)
    with transaction(Operation("export_evidence", user.id)) as current:
        current.add_all(
            AuditEvent.by(
                user, "export_evidence", "case", case_id, detail={"sha256": hashlib.sha256(content).hexdigest()}
            )
            for case_id in case_ids
        )
    return content


def make_evidence(case_ids: Iterable[UUID], more: More = lambda _files: {}) -> bytes:
    """The evidence of cases by the last seal; the log is read once for all. more: what else goes into the file.

    Raises NotFound for an unknown case, Conflict while there is no seal.
    """
    newest = session().scalars(select(Seal).order_by(Seal.size.desc()).limit(1)).first()
    if newest is None:
        raise Conflict(N_("还没有封存过，稍后再试。"))
    tree = Tree([bytes(leaf) for leaf in session().scalars(LEAVES)][: newest.size])
    files: dict[str, bytes] = {"verify.py": _verifier(), "head.json": _json(newest.head)}
    files["keys.json"] = _json(seal_keys.public_keys())
    files["consistency.json"] = _json(_consistency(tree, newest.size))
    digests: set[str] = set()
    cases = [str(case_id) for case_id in case_ids]
    for case in cases:
        records = list(
            session().scalars(select(JournalRow.record).where(JournalRow.case_id == case).order_by(JournalRow.seq))
        )
        if not records:
            raise NotFound
        digests |= {record["definition"] for record in records}
        files[journal_file(case)] = b"".join(orjson.dumps(record) + b"\n" for record in records)
        files[f"cases/{case}/inclusion.json"] = _json(_inclusion(tree, newest.size, case))
    for digest in digests:
        files |= {f"definitions/{digest}/{name}": content for name, content in definitions.files(digest).items()}
    return _archive(files | dict(more(files)), cases)


def journal_file(case: str) -> str:
    """The name of the file with the journal of a case."""
    return f"cases/{case}/journal.jsonl"


def _verifier() -> bytes:
    with open(verify.__file__, "rb") as source:
        return source.read()


def _consistency(tree: Tree, size: int) -> list[list[Any]]:
    heads = session().scalars(select(Seal).where(Seal.size < size).order_by(Seal.size.desc()).limit(HEADS))
    return [[head.size, bytes(head.root).hex(), _hex(tree.consistency(head.size, size))] for head in heads]


def _inclusion(tree: Tree, size: int, case: str) -> dict[str, list[Any]]:
    """The place of each sealed row of a case in the log, and its audit path, by its number in the case."""
    query = select(SealLeaf.key, SealLeaf.number).where(
        SealLeaf.kind == "journal", SealLeaf.key.between(f"{case}/", f"{case}0"), SealLeaf.number < size
    )
    return {
        key.partition("/")[2]: [number, _hex(tree.inclusion(number, size))] for key, number in session().execute(query)
    }


def _hex(path: Iterable[bytes]) -> list[str]:
    return [step.hex() for step in path]


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1).encode()


def _archive(files: dict[str, bytes], cases: list[str]) -> bytes:
    manifest = {
        "format": FORMAT,
        "made_at": now().isoformat(),
        "engine": journal.ENGINE,
        "cases": cases,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [("manifest.json", _json(manifest)), *sorted(files.items())]:
            archive.writestr(zipfile.ZipInfo(name, INSTANT), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
