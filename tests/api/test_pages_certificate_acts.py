"""Pages around a certificate: reissue, revocation, deregistration in batch, printing of many, hand-out register (R58, R62, R64)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.certificates.reissue import Reissue
from service.workflow.certificates import certificate_expiry, reissues
from service.workflow.runtime import jobs
from tests.api.queries import counted
from tests.builders.stage import Stage, do, make_stage
from tests.builders.world import fresh, make_certificate, make_class, make_person, make_unit, make_user, sign_in

MOST = 15
LOST = "乘车时遗失，已登报。"


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


def _text(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.get_data(as_text=True)


def test_the_unit_asks_on_the_certificate_page_and_finds_it_in_the_register(client: FlaskClient, stage: Stage) -> None:
    """R64"""
    held = make_certificate(stage.person(), printed_count=1)
    sign_in(client, stage.enterprise)
    assert f"/certificates/{held.id}/reissue" in _text(client, f"/certificates/{held.id}")
    empty = client.post(f"/certificates/{held.id}/reissue", data={"statement": ""})
    assert empty.status_code == 422
    assert 'id="statement-wrong"' in empty.get_data(as_text=True)
    assert client.post(f"/certificates/{held.id}/reissue", data={"statement": LOST}).status_code == 302
    again = client.post(f"/certificates/{held.id}/reissue", data={"statement": LOST})
    assert again.status_code == 409
    assert LOST in again.get_data(as_text=True)
    register = _text(client, "/reissues?state=requested")
    assert LOST in register
    assert "正在办理" in _text(client, f"/certificates/{held.id}")
    row = session().scalars(select(Reissue)).one()
    assert client.post(f"/reissues/{row.case_id}/withdraw", data={"asked": "1"}).status_code == 302
    assert fresh(row).state == "withdrawn"


def test_the_decision_page_shows_how_it_was_lost(client: FlaskClient, stage: Stage) -> None:
    """R64"""
    held = make_certificate(stage.person(), printed_count=1)
    case = reissues.request_reissue(stage.enterprise, held.id, LOST)
    sign_in(client, stage.association)
    task = re.search(r"/tasks/[0-9a-f-]{36}", _text(client, "/inbox?kind=certificate_reissue/review_reissue"))
    assert task
    page = _text(client, task[0])
    assert LOST in page
    assert "准予补办" in page
    assert "补办" in _text(client, f"/cases/{case}")


def test_the_register_is_scoped(client: FlaskClient, stage: Stage) -> None:
    """R70; whoever neither asks nor answers has no such page (domain.md §9)."""
    held = make_certificate(stage.person(), printed_count=1)
    reissues.request_reissue(stage.enterprise, held.id, LOST)
    other = make_user("enterprise", make_unit().id)
    for user, sees in ((stage.association, True), (stage.enterprise, True), (other, False)):
        sign_in(client, user)
        assert (LOST in _text(client, "/reissues")) is sees
    for user in (stage.province, stage.ministry, stage.institution):
        assert sign_in(client, user).get("/reissues").status_code == 404


def test_the_ministry_revokes_with_a_reason(client: FlaskClient, stage: Stage) -> None:
    """R62"""
    held = make_certificate(stage.person())
    sign_in(client, stage.ministry)
    assert "/revoke" in _text(client, f"/certificates/{held.id}")
    assert client.post(f"/certificates/{held.id}/revoke", data={"reason": ""}).status_code == 422
    assert client.post(f"/certificates/{held.id}/revoke", data={"reason": "伪造材料"}).status_code == 302
    page = _text(client, f"/certificates/{held.id}")
    assert "已吊销" in page
    assert "伪造材料" in page
    assert client.post(f"/certificates/{held.id}/revoke", data={"reason": "再次"}).status_code == 409
    assert "已吊销" in _text(client, f"/verify/{held.verify_token}")
    sign_in(client, stage.association)
    assert client.get(f"/certificates/{held.id}/revoke").status_code == 404


def test_the_ministry_deregisters_one_from_its_page_and_many_from_the_list(client: FlaskClient, stage: Stage) -> None:
    """R62, S77"""
    people = [stage.person() for _ in range(4)]
    first, *others = [make_certificate(p, today() - timedelta(days=9)) for p in people]
    sign_in(client, stage.ministry)
    begun = client.post(f"/certificates/{first.id}/deregister")
    assert begun.status_code == 302
    page = _text(client, begun.headers["Location"])
    assert "已过期 9 天" in page
    certificate_expiry.start_deregistrations()
    listed = _text(client, "/certificates/expired")
    tasks = re.findall(r'name="task" value="([0-9a-f-]{36})"', listed)
    assert len(tasks) == 4
    submission = re.search(r'name="submission" value="([0-9a-f-]{36})"', listed)
    assert submission
    assert client.post("/certificates/expired", data={"submission": submission[1]}).status_code == 422
    data = {"submission": submission[1], "task": tasks}
    asked = client.post("/certificates/expired", data=data).text  # R87: whom, what follows, and why
    assert "注销证书：4 件？" in asked
    assert all(person.person.name in asked for person in others)
    assert "不能恢复" in asked
    data["asked"] = "1"
    refused = client.post("/certificates/expired", data=data)
    assert refused.status_code == 422
    assert "注销证书：4 件？" in refused.text
    data["reason"] = "2026 年第一批注销"
    assert [client.post("/certificates/expired", data=data).status_code for _ in range(2)] == [302, 302]
    assert {fresh(c).void_reason for c in (first, *others)} == {"2026 年第一批注销"}
    assert "没有待注销的证书" in _text(client, "/certificates/expired")


def test_a_selection_is_printed_with_progress(client: FlaskClient, stage: Stage) -> None:
    """R58"""
    held = [make_certificate(stage.person()) for _ in range(3)]
    bare = make_certificate(make_person(stage.unit))
    sign_in(client, stage.association)
    assert 'name="c"' in _text(client, "/certificates")
    chosen = "&".join(f"c={c.id}" for c in (*held, bare))
    page = _text(client, f"/certificates/print?{chosen}")
    assert "还没有照片" in page
    begun = client.post("/certificates/print", data={"certificate": [str(c.id) for c in held], "title": "选中的证书"})
    assert begun.status_code == 303
    progress = _text(client, begun.headers["Location"])
    assert "<progress" in progress
    assert 'hx-trigger="load delay:1s"' in progress
    assert client.get(begun.headers["Location"] + ".pdf").status_code == 404
    jobs.run_all()
    part = client.get(begun.headers["Location"], headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "打开文件" in part
    assert "<html" not in part
    pdf = client.get(begun.headers["Location"] + ".pdf")
    assert pdf.mimetype == "application/pdf"
    sign_in(client, stage.colleague)
    assert client.get(begun.headers["Location"]).status_code == 404


def test_few_are_printed_at_once_and_a_further_print_needs_a_reason(client: FlaskClient, stage: Stage) -> None:
    """R58"""
    held = make_certificate(stage.person(), printed_count=1)
    sign_in(client, stage.association)
    refused = client.post("/certificates/print", data={"certificate": [str(held.id)], "title": "x"})
    assert refused.status_code == 422
    begun = client.post(
        f"/certificates/print?c={held.id}", data={"certificate": [str(held.id)], "title": "x", "reason": "污损"}
    )
    assert "打开文件" in _text(client, begun.headers["Location"])
    assert session().scalars(select(PrintBatch)).one().state == "done"
    assert client.post("/certificates/print", data={}).status_code == 422
    assert client.post("/certificates/print", data={"certificate": ["junk"]}).status_code == 422


def test_prints_are_handed_out_together_and_once(client: FlaskClient, stage: Stage) -> None:
    """R58"""
    sign_in(client, stage.association)
    for held in [make_certificate(stage.person()) for _ in range(3)]:
        client.post(f"/certificates/{held.id}/print")
    page = _text(client, "/certificates/prints?received=no")
    prints = re.findall(r'name="print" value="([0-9a-f-]{36})"', page)
    assert len(prints) == 3
    wrong = client.post(
        "/certificates/prints", data={"print": prints[:2], "received_by": "", "received_on": "2027-01-01"}
    )
    assert wrong.status_code == 422
    assert 'id="received_by-wrong"' in wrong.get_data(as_text=True)
    assert 'id="received_on-wrong"' in wrong.get_data(as_text=True)
    given = {"print": prints[:2], "received_by": "吴戊", "received_on": today().isoformat(), "received": "no"}
    assert client.post("/certificates/prints", data=given).status_code == 302
    again = client.post("/certificates/prints", data=given | {"received_by": "另一人"})
    assert again.get_data(as_text=True).count("已登记过领取") == 2
    rows = session().scalars(select(PrintRecord.received_by)).all()
    assert sorted(r or "" for r in rows) == ["", "吴戊", "吴戊"]
    assert client.post("/certificates/prints", data={**given, "print": []}).status_code == 422
    sign_in(client, stage.enterprise)
    assert client.get("/certificates/prints").status_code == 404


def test_one_that_was_handed_out_meanwhile_stays_and_says_so_while_the_others_are_done(
    client: FlaskClient, stage: Stage
) -> None:
    """R44, R58: in a batch nothing but its own row fails, one that is there no more included."""
    sign_in(client, stage.association)
    certificates = [make_certificate(stage.person()) for _ in range(3)]
    for held in certificates:
        client.post(f"/certificates/{held.id}/print")
    prints = {r.certificate_id: r for r in session().scalars(select(PrintRecord))}
    first, *others = (str(prints[held.id].id) for held in certificates)
    given = {"received_by": "吴戊", "received_on": today().isoformat()}
    client.post("/certificates/prints", data={**given, "print": [first]})
    answer = client.post(
        "/certificates/prints", data={**given, "received_by": "郑己", "print": [first, *others, str(uuid4())]}
    )
    said = " ".join(answer.get_data(as_text=True).split())
    assert "已登记 2 份的领取，2 份没有登记。" in said
    assert said.count(certificates[0].number) == 1
    assert "已登记过领取" in said
    session().expire_all()
    assert [session().get_one(PrintRecord, UUID(key)).received_by for key in (first, *others)] == [
        "吴戊",
        "郑己",
        "郑己",
    ]


@pytest.mark.parametrize(
    ("reader", "address"),
    [
        ("association", "/certificates"),
        ("association", "/certificates/{held}"),
        ("enterprise", "/certificates/{held}"),
        ("ministry", "/certificates/{old}"),
        ("association", "/reissues"),
        ("enterprise", "/certificates/{held}/reissue"),
        ("ministry", "/certificates/{held}/revoke"),
        ("ministry", "/certificates/expired"),
        ("ministry", "{expired}"),
        ("association", "{review}"),
        ("association", "/certificates/print?class={class_id}"),
        ("association", "/certificates/print?c={held}&c={old}"),
        ("association", "/certificates/prints"),
        ("association", "{batch}"),
    ],
)
def test_a_page_asks_at_most_fifteen_queries(client: FlaskClient, stage: Stage, reader: str, address: str) -> None:
    places = _filled(client, stage)
    sign_in(client, getattr(stage, reader))
    session().rollback()
    with counted() as queries:
        page = client.get(address.format(**places))
    assert page.status_code == 200
    assert len(queries) <= MOST, "\n".join(queries)


def _filled(client: FlaskClient, stage: Stage) -> dict[str, str]:
    held = [make_certificate(stage.person(), printed_count=1) for _ in range(4)]
    old = [make_certificate(stage.person(), today() - timedelta(days=3)) for _ in range(4)]
    for certificate in held[1:]:
        reissues.request_reissue(stage.enterprise, certificate.id, LOST)
    certificate_expiry.start_deregistrations()
    sign_in(client, stage.association)
    review = re.search(r"/tasks/[0-9a-f-]{36}", _text(client, "/inbox?kind=certificate_reissue/review_reissue"))
    batch = client.post("/certificates/print", data={"certificate": [str(held[0].id)], "reason": "污损", "title": "x"})
    sign_in(client, stage.ministry)
    expired = re.search(r"/tasks/[0-9a-f-]{36}", _text(client, "/certificates/expired"))
    assert review
    assert expired
    return {
        "held": str(held[0].id),
        "old": str(old[0].id),
        "review": review[0],
        "expired": expired[0],
        "class_id": str(make_class().id),
        "batch": batch.headers["Location"],
    }


def test_by_number_and_name_the_edition_that_holds_is_found(client: FlaskClient, stage: Stage) -> None:
    """R56, R64, R67"""
    person = stage.person()
    held = make_certificate(person, printed_count=1)
    make_certificate(person, held.valid_to + timedelta(days=1000), "issued", number=held.number, edition=2)
    case = reissues.request_reissue(stage.enterprise, held.id, LOST)
    do(stage.association, case, "review_reissue", decision="approve")
    newest = session().scalars(select(Certificate).where(Certificate.edition == 3)).one()
    page = client.post("/verify", data={"number": held.number, "name": person.name}).get_data(as_text=True)
    assert "有效" in page
    assert newest.valid_to.isoformat() in page
