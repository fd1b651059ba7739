"""Random samples for auditors: drawn by a seed, looked through with a finding and a note a case, signed at the end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.system import sampling
from service.domain.system.sampling import Finding, SampleState
from service.errors import N_, Conflict, InvalidInput, NotAllowed, NotFound
from service.infrastructure.seals import seal_keys
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import case_list
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.audit_sample import AuditSample, SampledCase
from service.models.tables.system.seal import Seal
from service.reports import get_report
from service.reports.framework.report import parse_filter
from service.validation.form_reader import FormReader
from service.workflow.optimistic_lock import check_version
from service.workflow.runtime.verification import Difference

FORMAT = "anpei-sample/1"
POPULATION = "process-mining"  # the list whose filter says which cases there are


def draw(user: User, raw: Mapping[str, Any]) -> UUID:
    """Draw a sample from the cases of a filter that have begun by now. Raises NotAllowed, InvalidInput."""
    _check_auditor(user)
    entry = FormReader(raw)
    title = entry.text("title", sampling.MAX_TITLE_LENGTH, required=True) or ""
    size = entry.integer("size", 1, sampling.MOST_SAMPLED) or 0
    seed = entry.text("seed", sampling.MAX_SEED_LENGTH) or secrets.token_hex(8)
    entry.check()
    at = now()
    chosen = _filter(user, raw)
    cases = case_list.cases_query(user, chosen).subquery()
    found = list(session().scalars(select(Case.id).where(Case.id.in_(select(cases.c.id)), Case.started_at <= at)))
    if not found:
        raise InvalidInput({"size": N_("没有符合条件的案卷，请放宽条件。")})
    drawn = sampling.draw(found, seed, size)
    sample = AuditSample(
        id=new_id(),
        title=title,
        seed=seed,
        chosen=chosen.arguments(),
        drawn_at=at,
        population=len(found),
        population_digest=sampling.population_digest(found),
        auditor_id=user.id,
    )
    with transaction(Operation("draw_sample", user.id)) as current:
        current.add(sample)
        current.flush()
        current.add_all(
            SampledCase(sample_id=sample.id, position=position, case_id=case)
            for position, case in enumerate(drawn, start=1)
        )
        detail = {"filter": sample.chosen, "rows": len(drawn)}
        current.add(AuditEvent.by(user, "draw_sample", "audit_sample", sample.id, detail=detail))
    return sample.id


def _filter(user: User, raw: Mapping[str, Any]) -> ReportFilter:
    """Read the filter as it was typed: a value that is none is refused, and does not widen the population."""
    report = get_report(POPULATION)
    typed = {field.name: str(raw.get(field.name) or "").strip() for field in report.filters}
    chosen = parse_filter(report, user, typed)
    if wrong := [name for name, value in typed.items() if value and name not in chosen.arguments()]:
        raise InvalidInput(dict.fromkeys(wrong, N_("没有这个值，请核对。")))
    return chosen


def find(user: User, sample_id: UUID) -> AuditSample:
    """A sample, which every auditor may read. Raises NotAllowed, NotFound."""
    _check_auditor(user)
    sample = session().get(AuditSample, sample_id)
    if sample is None:
        raise NotFound
    return sample


def cases_of(sample: AuditSample) -> list[tuple[SampledCase, Case]]:
    """The cases of a sample in the order of the draw."""
    query = select(SampledCase, Case).join(Case, Case.id == SampledCase.case_id)
    rows = session().execute(query.where(SampledCase.sample_id == sample.id).order_by(SampledCase.position))
    return [(row[0], row[1]) for row in rows]


def version_of(rows: Iterable[tuple[SampledCase, Case]]) -> int:
    """The version of all findings together: any of them that is changed raises it."""
    return sum(row.version for row, _case in rows)


def record_finding(user: User, sample_id: UUID, position: int, raw: Mapping[str, Any]) -> None:
    """Write down what was found in a case. Raises NotAllowed, NotFound, InvalidInput, Conflict."""
    with transaction(Operation("record_finding", user.id)):
        sample = _to_change(user, sample_id)
        query = select(SampledCase).where(SampledCase.sample_id == sample.id, SampledCase.position == position)
        row = session().scalar(query.with_for_update())
        if row is None:
            raise NotFound
        entry = FormReader(raw)
        finding = entry.choice("finding", tuple(Finding), required=True)
        note = entry.lines("note", sampling.MAX_NOTE_LENGTH)
        if finding in (Finding.DOUBT, Finding.FAULT) and not note:
            entry.refuse("note", N_("请写明发现了什么。"))
        entry.check()
        check_version(row.version, raw)
        row.finding, row.note = str(finding), note


def sign(user: User, sample_id: UUID, raw: Mapping[str, Any]) -> None:
    """Sign a sample whose cases are all looked at; nothing of it changes afterwards.

    Raises NotAllowed, NotFound, InvalidInput, Conflict.
    """
    with transaction(Operation("sign_sample", user.id)) as current:
        sample = _to_change(user, sample_id)
        entry = FormReader(raw)
        conclusion = entry.lines("conclusion", sampling.MAX_NOTE_LENGTH, required=True)
        entry.check()
        rows = cases_of(sample)
        check_version(version_of(rows), raw)
        if any(row.finding == Finding.PENDING for row, _case in rows):
            raise Conflict(N_("还有案卷没有查看，请逐件写明结果后再签署。"))
        sample.conclusion, sample.state, sample.signed_at = conclusion, SampleState.SIGNED, now()
        newest = current.scalars(select(Seal).order_by(Seal.size.desc()).limit(1)).first()
        ends = {str(case.id): {"rows": case.seq + 1, "hash": case.last_hash} for _row, case in rows}
        body = _body(sample, [row for row, _case in rows])
        sample.document = seal_keys.sign(body | {"journals": ends, "head": newest.head if newest else None})
        digest = hashlib.sha256(seal_keys.signed_bytes(sample.document["body"])).hexdigest()
        current.add(AuditEvent.by(user, "sign_sample", "audit_sample", sample.id, detail={"sha256": digest}))


def signed_document(user: User, sample_id: UUID) -> dict[str, Any]:
    """Hand out the signed document, with its signatures, for ``verify.py``; that it was taken is remembered.

    Raises NotAllowed, NotFound, Conflict while it is not signed.
    """
    sample = find(user, sample_id)
    if sample.document is None:
        raise Conflict(N_("签署之后才能下载。"))
    document = sample.document
    with transaction(Operation("export_sample", user.id)) as current:
        current.add(AuditEvent.by(user, "export_sample", "audit_sample", sample_id))
    return document


def sample_differences() -> Iterator[Difference]:
    """Signed samples that are not what was signed."""
    signed = AuditSample.state == SampleState.SIGNED
    found: dict[UUID, list[SampledCase]] = {}
    cases = select(SampledCase).join(AuditSample, AuditSample.id == SampledCase.sample_id).where(signed)
    for row in session().scalars(cases.order_by(SampledCase.position)):
        found.setdefault(row.sample_id, []).append(row)
    for sample in session().scalars(select(AuditSample).where(signed)):
        document = sample.document or {"body": {}, "signatures": {}}
        rows = found.get(sample.id, [])
        if not seal_keys.is_signed(document):
            yield Difference(None, "sample", f"{sample.id}: not signed by a key of ours")
        elif any(document["body"].get(name) != value for name, value in _body(sample, rows).items()):
            yield Difference(None, "sample", f"{sample.id}: it is not what was signed")


def _body(sample: AuditSample, rows: list[SampledCase]) -> dict[str, Any]:
    """Gather what of the rows is signed."""
    return {
        "format": FORMAT,
        "sample": str(sample.id),
        "title": sample.title,
        "filter": sample.chosen,
        "drawn_at": _instant(sample.drawn_at),
        "population": sample.population,
        "population_digest": sample.population_digest,
        "order": sampling.ORDER,
        "seed": sample.seed,
        "cases": [
            {"position": row.position, "case": str(row.case_id), "finding": row.finding, "note": row.note}
            for row in rows
        ],
        "conclusion": sample.conclusion,
        "auditor": str(sample.auditor_id),
        "signed_at": _instant(sample.signed_at) if sample.signed_at else None,
    }


def _instant(at: datetime) -> str:
    """An instant as it is signed: in UTC, whatever the zone of the database's session."""
    return at.astimezone(UTC).isoformat()


def _to_change(user: User, sample_id: UUID) -> AuditSample:
    """A sample that this auditor may still change, locked."""
    sample = find(user, sample_id)
    session().refresh(sample, with_for_update={"of": AuditSample})
    if sample.auditor_id != user.id:
        raise NotAllowed
    if sample.state == SampleState.SIGNED:
        raise Conflict(N_("已经签署，不能再改。"))
    return sample


def _check_auditor(user: User) -> None:
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
