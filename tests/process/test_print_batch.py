"""Printing a selection or a whole class as one file: the log, the reasons, what is left out, failure and retry (R57, R58)."""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pikepdf
import pytest
from sqlalchemy import select, text

from service.domain.certificates.faces import FaceLanguage, FaceStyle, Layout, Packaging
from service.errors import Conflict, InvalidInput, NotAllowed, NotFound
from service.infrastructure.documents import pdf_signature
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.certificates.print_list import printable
from service.models.queries.lease import LEASE
from service.models.queries.stored_files import file_sizes
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.runtime.case import Job, JobState
from service.models.tables.runtime.case_statements import CLAIM_JOB
from service.workflow.certificates import certificates, faces, printing, reissues
from service.workflow.runtime import jobs
from tests.api.test_pages_certificates import texts
from tests.builders.stage import Stage, at_nine, certificates_of, do, enroll, make_stage, open_tasks, publish_class
from tests.builders.world import make_certificate, make_person

ADDRESS = "https://example.org/verify/{}"


def _held(stage: Stage, count: int, **more: Any) -> list[Certificate]:
    return [make_certificate(stage.person(), **more) for _ in range(count)]


def _begin(stage: Stage, held: Iterable[Certificate], reason: str = "", title: str = "选中的证书") -> PrintBatch:
    return printing.begin_batch(stage.association, [c.id for c in held], title, reason, ADDRESS)


def _now(batch: PrintBatch) -> PrintBatch:
    return session().get_one(PrintBatch, batch.id, populate_existing=True)


def _prints() -> list[tuple[UUID, str, UUID | None]]:
    query = select(PrintRecord.certificate_id, PrintRecord.reason, PrintRecord.batch_id).order_by(
        PrintRecord.created_at
    )
    return [(r[0], r[1], r[2]) for r in session().execute(query)]


def _pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type ?/Page\b(?!s)", texts(pdf)))


def test_a_selection_becomes_one_file_in_the_background(app: Any, clock: Any) -> None:
    """R57, R58"""
    stage = make_stage()
    held = _held(stage, 3)
    batch = _begin(stage, held)
    assert (batch.state, batch.total, _prints()) == ("running", 3, [])
    jobs.run_all()
    row = _now(batch)
    assert (row.state, row.done, row.refused) == ("done", 3, [])
    assert {(c, b) for c, _, b in _prints()} == {(c.id, batch.id) for c in held}
    pdf = b"".join(printing.read_file(row)[1])
    assert pdf.startswith(b"%PDF")
    assert _pages(pdf) == 3
    sealed = session().execute(text("SELECT sealed FROM file_piece WHERE owner_id = :id"), {"id": batch.id}).scalar()
    assert b"%PDF" not in sealed  # identity numbers do not lie about in the clear


def test_a_whole_class_is_printed_and_its_print_tasks_are_done(app: Any, clock: Any) -> None:
    """R57, R58"""
    stage = make_stage()
    found = publish_class(stage)
    people = [stage.person() for _ in range(2)]
    cases = [enroll(stage, found, person) for person in people]
    for case in cases:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    for case in cases:
        do(stage.association, case, "check_in")
        do(stage.institution, case, "record_score", score="75")
        do(stage.association, case, "confirm_score", decision="confirm")
    chosen = printable(stage.association, (), found.id)
    assert {c.person_id for c in chosen} == {p.id for p in people}
    jobs.run_at_once(_begin(stage, chosen, title=found.title).id)
    assert [open_tasks(case) for case in cases] == [["certification/approve_certificate"]] * 2
    assert [certificates_of(p)[0].printed_count for p in people] == [1, 1]
    assert {b for _, _, b in _prints()} != {None}


def test_each_further_print_has_a_reason(app: Any, clock: Any) -> None:
    """R58"""
    stage = make_stage()
    held = _held(stage, 2) + _held(stage, 1, printed_count=1)
    with pytest.raises(InvalidInput) as refused:
        _begin(stage, held, reason=" ")
    assert list(refused.value.fields) == ["reason"]
    jobs.run_at_once(_begin(stage, held, reason="首批打印机故障").id)
    assert {reason for _, reason, _ in _prints()} == {"首批打印机故障"}


def test_what_cannot_be_printed_is_left_out_and_named(app: Any, clock: Any) -> None:
    """R58"""
    stage = make_stage()
    good, gone = _held(stage, 2)
    bare = make_certificate(make_person(stage.unit))
    batch = _begin(stage, [good, gone, bare])
    certificates.revoke(stage.ministry, gone.id, "伪造材料。")
    jobs.run_at_once(batch.id)
    row = _now(batch)
    assert (row.state, row.done) == ("done", 1)
    assert {r["id"] for r in row.refused} == {str(gone.id), str(bare.id)}
    assert "还没有照片" in next(r["text"] for r in row.refused if r["id"] == str(bare.id))
    assert [c for c, _, _ in _prints()] == [good.id]


def test_every_style_is_printed_and_remembered(app: Any, clock: Any) -> None:
    """Issue 9 (documents): layout × language, one page of A4 or two of a card a certificate; each print says which"""
    stage = make_stage()
    for layout, language in itertools.product(Layout, FaceLanguage):
        held = _held(stage, 2)
        style = FaceStyle(layout, language)
        batch = printing.begin_batch(stage.association, [c.id for c in held], "x", "", ADDRESS, style=style)
        jobs.run_at_once(batch.id)
        assert _pages(b"".join(printing.read_file(_now(batch))[1])) == (4 if layout is Layout.CARD else 2)
        printed = session().scalars(select(PrintRecord).where(PrintRecord.batch_id == batch.id)).all()
        assert {(p.layout, p.language) for p in printed} == {(layout, language)}
        single = certificates.print_file(stage.association, printed[0].id, ADDRESS)
        assert _pages(single) == (2 if layout is Layout.CARD else 1)


def test_a_failure_is_told_and_a_retry_prints_nothing_twice(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R58"""
    stage = make_stage()
    batch = _begin(stage, _held(stage, 3))

    def break_down(*_: Any) -> list[dict[str, Any]]:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(faces, "faces_of", break_down)
        jobs.run_due()
    assert (_now(batch).state, len(_prints())) == ("failed", 3)
    assert "no space left" in (_now(batch).error or "")
    clock.move(timedelta(seconds=11))
    jobs.run_all()
    assert (_now(batch).state, _now(batch).done, len(_prints())) == ("done", 3, 3)


def test_a_small_batch_is_written_once_however_often_it_is_sent(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R58: while the first request lays it out, a second one and a worker leave it alone."""
    stage = make_stage()
    held, laid = _held(stage, 1), []
    batch = _begin(stage, held)
    kept, batch_id = faces.faces_of, batch.id

    def write_elsewhere() -> None:
        with app.app_context():
            printing.write_if_small(_now(batch))
            jobs.run_due()

    def note(*given: Any) -> Any:
        laid.append(given)
        if len(laid) == 1:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(write_elsewhere).result()
        return kept(*given)

    monkeypatch.setattr(faces, "faces_of", note)
    printing.write_if_small(batch)
    printing.write_if_small(_now(batch))
    assert (len(laid), _now(batch).state, [c for c, _, _ in _prints()]) == (1, "done", [held[0].id])
    assert session().get_one(Job, batch_id, populate_existing=True).state == JobState.DONE


def test_a_small_batch_whose_request_died_is_written_by_the_worker(app: Any, clock: Any) -> None:
    """R58"""
    stage = make_stage()
    batch = _begin(stage, _held(stage, 1))
    with transaction(Operation("test")) as current:
        claim = {"id": batch.id, "worker": "dead", "until": clock.now() + LEASE, "now": clock.now()}
        assert current.execute(CLAIM_JOB, claim).one_or_none()
    printing.write_if_small(batch)
    jobs.run_all()
    assert _now(batch).state == "running"
    clock.move(LEASE + timedelta(seconds=1))
    jobs.run_all()
    assert (_now(batch).state, len(_prints())) == ("done", 1)


def test_the_file_goes_after_a_day_and_the_log_stays(app: Any, clock: Any) -> None:
    """R58, R75"""
    stage = make_stage()
    batch = _begin(stage, _held(stage, 1))
    jobs.run_at_once(batch.id)
    assert _pages(b"".join(printing.read_file(_now(batch))[1])) == 1
    clock.move(timedelta(days=1))
    jobs.run_all()
    assert _now(batch).state == "removed"
    with pytest.raises(NotFound):
        b"".join(printing.read_file(_now(batch))[1])
    assert len(_prints()) == 1


def test_only_the_association_prints_and_only_who_began_takes_the_file(app: Any, clock: Any) -> None:
    """R58, R70"""
    stage = make_stage()
    held = _held(stage, 1)
    for user in (stage.ministry, stage.province, stage.enterprise):
        with pytest.raises(NotAllowed):
            printing.begin_batch(user, [held[0].id], "x", "", ADDRESS)
    batch = _begin(stage, held)
    with pytest.raises(NotFound):
        printing.find_batch(stage.colleague, batch.id)
    assert printing.find_batch(stage.association, batch.id).id == batch.id


def test_nothing_chosen_or_too_much_is_refused(app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """R58"""
    stage = make_stage()
    with pytest.raises(InvalidInput, match="请先选择"):
        _begin(stage, [])
    monkeypatch.setattr(printing, "MAX_FACES", 1)
    with pytest.raises(InvalidInput, match="一次最多打印 1 份"):
        _begin(stage, _held(stage, 2))
    assert session().scalars(select(Job).where(Job.name == printing.EFFECT)).all() == []


def test_a_reissue_is_done_when_its_edition_is_printed_with_others(app: Any, clock: Any) -> None:
    """R58, R64"""
    stage = make_stage()
    [old] = _held(stage, 1, printed_count=1)
    case = reissues.request_reissue(stage.enterprise, old.id, "乘车时遗失。")
    do(stage.association, case, "review_reissue", decision="approve")
    new = session().get_one(Certificate, session().scalars(select(Reissue)).one().new_certificate_id)
    jobs.run_at_once(_begin(stage, [new, *_held(stage, 2)]).id)
    assert open_tasks(case) == []


FACES = printing.FACES_PER_SLICE


class Killed(BaseException):
    """What no handler catches."""


def _answers(request: Any) -> Iterator[Any]:
    yield from (printing.Answer(request.key) for parts, _ in request.pieces for _ in parts)
    yield printing.Answer(request.key, tuple(printing.print_piece(piece, request.style) for piece in request.pieces))


def test_a_batch_goes_on_after_its_worker_was_killed_without_a_page_lost_or_doubled(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 9 (batches): the worker dies after the first slice; what is laid out already is not laid out again"""
    stage = make_stage()
    held = _held(stage, 2 * FACES + 3)
    batch = _begin(stage, held)

    def killed(_requests: Any) -> Iterator[Any]:
        yield from _answers(next(_requests))
        raise Killed

    monkeypatch.setattr(printing, "lay_out", killed)
    with pytest.raises(Killed):
        jobs.run_at_once(batch.id)
    session().rollback()
    assert (_now(batch).state, _now(batch).done, len(_prints())) == ("running", FACES, len(held))
    clock.move(LEASE + timedelta(seconds=1))
    asked: list[int] = []

    def counted(requests: Iterator[Any]) -> Iterator[Any]:
        for request in requests:
            asked.append(request.key)
            yield from _answers(request)

    monkeypatch.setattr(printing, "lay_out", counted)
    jobs.run_at_once(batch.id)
    assert asked == [1, 2]
    assert (_now(batch).state, _now(batch).done, len(_prints())) == ("done", len(held), len(held))
    with pikepdf.open(io.BytesIO(b"".join(printing.read_file(_now(batch))[1]))) as document:
        assert len(document.pages) == len(held)
        assert document.Root.MarkInfo.Marked
        owners = [_page_of_structure(document, page) for page in document.pages]
        assert owners == [page.obj.objgen for page in document.pages]  # each page keeps its own structure
    assert list(file_sizes(batch.id)) == [""]


class Deadly:
    """Functions that a worker calls; it dies before or after one of them, the ``at``-th of all."""

    def __init__(self, at: int) -> None:
        self._left = at

    def _die(self) -> None:
        self._left -= 1
        if not self._left:
            raise Killed

    def __call__(self, function: Any) -> Any:
        def stepped(*given: Any, **more: Any) -> Any:
            self._die()
            found = function(*given, **more)
            self._die()
            return found

        return stepped


def _dies(batch: PrintBatch, at: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Write a batch until the worker dies at this step; False when there are not so many."""
    deadly = Deadly(at)
    with monkeypatch.context() as patched:
        for name in ("record_progress", "write_file", "merge", "_refuse", "_finish"):
            patched.setattr(printing, name, deadly(getattr(printing, name)))
        patched.setattr(certificates, "print_certificate", deadly(certificates.print_certificate))
        try:
            jobs.run_at_once(batch.id)
        except Killed:
            session().rollback()
            return True
    return False


def test_killed_at_each_step_no_page_is_lost_or_doubled(app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 9 (batches): the worker dies before and after each print, note, part and file; the next ends the batch"""
    stage = make_stage()
    held = _held(stage, 3)
    known: dict[Any, bytes] = {}

    def laid_out(requests: Iterator[Any]) -> Iterator[Any]:
        """Lay each face out once for all the batches."""
        for request in requests:
            yield from (printing.Answer(request.key) for parts, _ in request.pieces for _ in parts)
            for piece in request.pieces:
                known[piece] = known.get(piece) or printing.print_piece(piece, request.style)
            yield printing.Answer(request.key, tuple(known[piece] for piece in request.pieces))

    monkeypatch.setattr(printing, "FACES_PER_SLICE", 2)
    monkeypatch.setattr(printing, "lay_out", laid_out)
    pages, is_killed = [], True
    while is_killed:
        batch, before = _begin(stage, held, reason="核对"), len(_prints())
        is_killed = _dies(batch, len(pages) + 1, monkeypatch)
        clock.move(LEASE + timedelta(seconds=1))
        jobs.run_at_once(batch.id)
        assert (_now(batch).state, _now(batch).done, _now(batch).refused) == ("done", 3, [])
        assert len(_prints()) - before == 3
        with pikepdf.open(io.BytesIO(b"".join(printing.read_file(_now(batch))[1]))) as document:
            pages.append([page.Contents.read_bytes() for page in document.pages])
    assert len(pages) > 30  # steps there are
    assert all(found == pages[-1] for found in pages)
    assert len(set(pages[-1])) == 3


def test_slices_are_laid_out_by_processes_and_stand_in_order(app: Any, clock: Any) -> None:
    """Issue 9 (batches): all cores; the answers come as they are ready, the pages by the names of the holders"""
    stage = make_stage()
    held = _held(stage, FACES + 2)
    batch = printing.begin_batch(stage.association, [c.id for c in held], "x", "", ADDRESS, packaging=Packaging.ZIP)
    jobs.run_at_once(batch.id)
    with zipfile.ZipFile(io.BytesIO(b"".join(printing.read_file(_now(batch))[1]))) as packed:
        ordered = printable(stage.association, [c.id for c in held])
        assert packed.namelist() == [f"{c.number}-{c.edition}.pdf" for c in ordered]
        for name, certificate in zip(packed.namelist(), ordered, strict=True):
            assert pdf_signature.examine(packed.read(name)) == ("ours", ADDRESS.format(certificate.verify_token))


def test_one_that_is_not_approved_is_not_signed(app: Any, clock: Any) -> None:
    stage = make_stage()
    [held] = _held(stage, 1, state="issued")
    batch = printing.begin_batch(stage.association, [held.id], "x", "", ADDRESS, packaging=Packaging.ZIP)
    jobs.run_at_once(batch.id)
    with zipfile.ZipFile(io.BytesIO(b"".join(printing.read_file(_now(batch))[1]))) as packed:
        assert [pdf_signature.examine(packed.read(name))[0] for name in packed.namelist()] == ["unsigned"]


@pytest.mark.parametrize("when", ["before", "between"])
def test_a_batch_can_be_cancelled_until_it_is_done(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Issue 9 (batches)"""
    stage = make_stage()
    batch = _begin(stage, _held(stage, FACES + 1))

    def interrupted(requests: Iterator[Any]) -> Iterator[Any]:
        for request in requests:
            printing.cancel(stage.association, batch.id)
            yield printing.Answer(request.key, (b"never read",))

    if when == "before":
        printing.cancel(stage.association, batch.id)
    monkeypatch.setattr(printing, "lay_out", interrupted)
    jobs.run_at_once(batch.id)
    assert _now(batch).state == "cancelled"
    with pytest.raises(NotFound):
        b"".join(printing.read_file(_now(batch))[1])
    assert file_sizes(batch.id) == {}
    with pytest.raises(Conflict):
        printing.cancel(stage.association, batch.id)
    with pytest.raises(NotFound):
        printing.cancel(stage.colleague, batch.id)


def _page_of_structure(document: pikepdf.Pdf, page: pikepdf.Page) -> Any:
    numbers = document.Root.StructTreeRoot.ParentTree.Nums
    found = {int(numbers[at]): numbers[at + 1] for at in range(0, len(numbers), 2)}
    elements = [one for one in found[int(page.obj.StructParents)] if one is not None]
    return elements[0].Pg.objgen
