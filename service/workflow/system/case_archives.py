"""Files of many cases for an auditor: each as PDF and as evidence, in one ZIP that ``verify.py`` checks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import N_, Conflict, Message, NotAllowed, NotFound
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.system.export import CASE_FILES, ExportLog
from service.workflow.system import case_file, evidence, exports

MAX_CASES = 200  # of one archive: about a second each
EFFECT = "export_cases"
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A case in the index of an archive. rows: of its journal, hash: of the last of them; digests by name of file."""

    case: Case
    rows: int
    hash: str
    digests: Mapping[str, str]


Index = Callable[[Sequence[IndexLine]], bytes]
Print = Callable[[Case, case_file.CaseEvidence], bytes]


def begin(user: User, cases: Any, narrowed: Mapping[str, Any], source: str | None = None) -> ExportLog:
    """Begin the archive of the cases that a query selects; the worker writes it. narrowed: by what, for the trail.

    Raises NotAllowed, and Conflict for no case and for more than 200.
    """
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
    found = list(session().scalars(cases.with_only_columns(Case.id).order_by(Case.id).limit(MAX_CASES + 1)))
    if not found:
        raise Conflict(N_("没有选中案卷：请勾选，或导出找到的全部。"))
    if len(found) > MAX_CASES:
        told = N_("一次最多导出 %(most)s 件案卷的档案和证据，请缩小条件，分几次导出。")
        raise Conflict(Message(told, most=MAX_CASES))
    row = ExportLog(name=CASE_FILES, chosen={"cases": [str(case_id) for case_id in found]}, total=len(found))
    return exports.enqueue(user, row, EFFECT, narrowed, source=source)


def selected(user: User, case_ids: Sequence[UUID]) -> Any:
    """Select the cases that were ticked; one that the user may not see is as if it were none."""
    return select(Case).where(Case.id.in_(case_ids), visible_to(user, Case))


def write(
    row: ExportLog, user: User, progress: exports.Progress, path: Path, print_case: Print, print_index: Index
) -> None:
    """Write the archive of an export: first the papers, then the evidence, so that no paper tells more than it."""
    printed = {}
    cases = [UUID(case_id) for case_id in row.chosen["cases"]]
    for number, case_id in enumerate(cases, 1):
        printed[f"cases/{case_id}/case.pdf"] = case_file.case_file(user, case_id, print_case)
        progress(number)

    def more(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        return printed | {INDEX: print_index([_line(case_id, {**files, **printed}) for case_id in cases])}

    path.write_bytes(evidence.evidence_for(user, cases, more))


def _line(case_id: UUID, files: Mapping[str, bytes]) -> IndexLine:
    case = session().get(Case, case_id)
    if case is None:
        raise NotFound
    rows = files[evidence.journal_file(str(case_id))].splitlines()
    own = sorted(name for name in files if name.startswith(f"cases/{case_id}/"))
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in own}
    return IndexLine(case, len(rows), orjson.loads(rows[-1])["hash"], digests)
