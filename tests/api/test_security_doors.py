"""The doors of the whole application, each address tried: forged requests, foreign redirects, caches, the public, races."""

from __future__ import annotations

import ast
import io
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.routing import Rule

from service.models.db import encryption
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.substitution import Substitution
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.notices.notice import Notice
from service.models.tables.notices.ticket import Ticket, TicketMessage
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.system.audit_sample import AuditSample
from service.models.tables.training.training import TrainingPlan
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.notices import tickets
from service.workflow.training import plans
from service.workflow.versions import deployments
from tests.api.test_security_forgery import SERVICE, rest, typed
from tests.api.test_security_forgery import open_tasks as open_tasks
from tests.api.v1_world import PASSWORD, give_password
from tests.builders.open_tasks import holder_of
from tests.builders.stage import Stage, make_stage
from tests.builders.stored import digests
from tests.builders.world import authority_user, credit_code, make_certificate, make_user, portrait, sign_in
from tests.process.test_notices_of_diagrams import telling

REST = ("/api/v1", "/engine-rest")
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
PUBLIC = {
    "/sign-in": "the door itself",
    "/verify": "anybody may ask whether a certificate is valid (R67)",
    "/verify/<token>": "the same by the QR code",
    "/verify/file": "anybody may ask whether a file of a certificate is unaltered (R59)",
    "/language": "the language of the sign-in",
    "/appearance": "its colours",
    "/healthz": "for a supervisor, says that the process lives",
    "/readyz": "for a load balancer, says yes or no",
    "/api/docs": "describes the interface and holds no data",
    "/api/openapi.json": "what it shows",
    "/api/engine-rest.json": "the same of the other interface",
    "/static/<path:filename>": "files of the program",
}
"""Addresses that answer a stranger, and why they may."""
CACHED = {"/diagrams/<digest>.bpmn", "/static/<path:filename>"}  # they name what they hold by its contents
EVIL = "https://evil.example/x"
LEADS = ("/sign-in", "/privacy", "/language", "/appearance")  # they go back to where the reader came from
FOREIGN = ("//evil.example/x", EVIL, "/\\evil.example", "/%0d%0aX-Evil: 1", "/\r\nX-Evil: 1", "javascript:alert(1)")


def filled(app: Flask, rule: Rule) -> str:
    with app.test_request_context():
        known = rule.defaults or {}
        return app.url_for(rule.endpoint, **{name: known.get(name, str(new_id())) for name in rule.arguments})


def unsafe_rules(app: Flask) -> list[tuple[Rule, str]]:
    return [(rule, way) for rule in app.url_map.iter_rules() for way in sorted(UNSAFE & (rule.methods or set()))]


def test_no_address_acts_without_the_token_of_the_form(app: Flask, client: FlaskClient) -> None:
    """Every unsafe address of the pages, signed in, with no token and with that of another session."""
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        stranger = app.test_client().get("/sign-in").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', stranger)
        assert found
        sign_in(client, authority_user("association"))
        before = digests()
        tried = [(rule, way) for rule, way in unsafe_rules(app) if not rule.rule.startswith(REST)]
        for rule, way in tried:
            for content in ({}, {"csrf_token": found[1]}):
                answer = client.open(filled(app, rule), method=way, data=content)
                assert answer.status_code == 400, (way, rule.rule, answer.status_code)
        assert len(tried) > 80
        assert digests() == before
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_another_sites_page_cannot_use_the_password_that_a_browser_remembers(app: Flask, client: FlaskClient) -> None:
    """Every unsafe address of both interfaces; what a preflight precedes is not sent unasked."""
    user = make_user("association", authority_id("association"))
    give_password()
    for rule, way in unsafe_rules(app):
        if rule.rule.startswith(REST) and rule.endpoint != "v1_unknown.unknown":
            for site in ("cross-site", "same-site"):
                for kind in ("", "text/plain", "application/x-www-form-urlencoded"):
                    headers = {"Sec-Fetch-Site": site, "Content-Type": kind}
                    answer = client.open(
                        filled(app, rule), method=way, headers=headers, auth=(user.login, "Blasting-Caps-2026")
                    )
                    assert answer.status_code == 403, (way, rule.rule, site, kind, answer.status_code)


def test_a_session_planted_before_the_sign_in_is_not_kept(app: Flask, client: FlaskClient) -> None:
    user = make_user("association", authority_id("association"))
    give_password()
    with client.session_transaction() as kept:
        kept.update({"key": "planted", "csrf_token": "planted", "over": ["x", 1], "more": "planted"})
    client.post("/sign-in", data={"login": user.login, "password": "Blasting-Caps-2026"})
    with client.session_transaction() as kept:
        assert "planted" not in kept.values()
        assert kept["key"]


def test_a_stranger_meets_closed_doors_but_for_those_that_are_named(app: Flask, client: FlaskClient) -> None:
    """Every address and method without credentials."""
    opened = set()
    for rule in app.url_map.iter_rules():
        for way in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            answer = client.open(filled(app, rule), method=way)
            closed = answer.status_code == 401 or answer.headers.get("Location", "").startswith("/sign-in")
            if not closed:
                opened.add(rule.rule)
    assert opened == PUBLIC.keys()


def test_no_address_lets_a_cache_keep_what_it_says(app: Flask) -> None:
    """Every address and method, whatever the view or the library says of its answer: files are sent with a year."""
    kept = set()
    for rule in app.url_map.iter_rules():
        for way in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            for status in (200, 404):
                with app.test_request_context(filled(app, rule), method=way):
                    said = Response("x", status, headers={"Cache-Control": "public, max-age=31536000"})
                    if app.process_response(said).headers["Cache-Control"] != "no-store":
                        kept.add((rule.rule, status))
    assert kept == {(rule, 200) for rule in CACHED}


def test_a_stranger_is_not_told_what_is_amiss(client: FlaskClient) -> None:
    near, far = client.get("/readyz"), client.get("/readyz", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert set(near.json) == {"status", "faults", "warnings"}
    assert set(far.json) == {"status"}


def test_no_act_leads_away(app: Flask, client: FlaskClient) -> None:
    """Every unsafe address of the pages; with ids of nobody most refuse, and what redirects stays here."""
    user = authority_user("association")
    names = ("next", "then", "back", "url", "return", "referrer")
    for rule, way in unsafe_rules(app):
        if rule.rule.startswith(REST):
            continue
        sign_in(client, user)
        for turn in range(len(FOREIGN) if rule.rule in LEADS else 2):
            given = {name: FOREIGN[(place + turn) % len(FOREIGN)] for place, name in enumerate(names)}
            referrer = f"http://localhost/{FOREIGN[turn]}".replace("\r\n", "%0d%0a")
            answer = client.open(
                filled(app, rule), method=way, data=given, query_string=given, headers={"Referer": referrer}
            )
            _stays(answer, rule.rule)


def _stays(answer: Any, address: str) -> None:
    assert answer.status_code < 500, address
    assert "X-Evil" not in answer.headers, address
    if to := answer.headers.get("Location"):
        assert not urlsplit(to).netloc, (address, to)
        assert to.startswith("/"), (address, to)
        assert not to.startswith(("//", "/\\")), (address, to)


@pytest.mark.parametrize("key", ["a\0b", "甲\u202e乙", "\x01", "长" * 121, 1, {"a": 1}, ["x"]])
def test_a_business_key_is_one_line_as_it_was_sent_or_refused(client: FlaskClient, clock: Any, key: Any) -> None:
    user = make_user("association", authority_id("association"))
    give_password()
    path = "/process-definition/key/training_class/start"
    assert rest(client, user, path, {"businessKey": key}).status_code == 400
    assert session().scalars(select(Case)).all() == []
    assert rest(client, user, path, {"businessKey": "甲-1"}).json["businessKey"] == "甲-1"


def test_a_nul_is_refused_in_every_value_of_a_name_and_in_the_name(client: FlaskClient) -> None:
    sign_in(client, authority_user("association"))
    for sent in ({"task": ["a", "b\0"]}, {"ta\0sk": "a"}):
        assert client.post("/inbox/claim", data=sent).status_code == 400
        assert client.get("/inbox", query_string=sent).status_code == 400


SOUND: dict[str, dict[str, Any]] = {
    "check_in": {},
    "close_check_in": {"sure": True},
    "draft_class": {"decision": "discard"},
    "record_score": {"score": "83.5"},
    "print_certificate": {},
    "recover_certificate": {"recovered": True, "recovery_note": "已收回并剪角。"},
    "recover_ended": {"recovered": True, "recovery_note": "已收回并剪角。"},
    "correct_certificate": {"decision": "resubmit"},
    "assent_correction": {"decision": "refuse", "reason": "卷面无误"},
    "assent_identity": {"decision": "refuse", "reason": "与户口簿不符"},
    "confirm_score": {"decision": "confirm"},
    "confirm_enrollment": {"decision": "confirm"},
    "accept_ticket": {"decision": "accept"},
    "answer_ticket": {"decision": "resolve", "message": "请改用 JPEG 格式。"},
    "reply_ticket": {"message": "是安卓手机。"},
    "rate_ticket": {"decision": "close", "rating": "5"},
    "revise_person": {},
    "revise_reissue": {"statement": "已登报声明作废。"},
    "deregister_certificate": {"decision": "deregister"},
}
APPROVAL = {"decision": "approve"}
TWICE = 2


def test_the_same_completion_sent_twice_at_once_is_done_once(app: Flask, open_tasks: dict[str, Task]) -> None:
    """Every user task of every shipped process, by two clients at the same moment: the second is told so (R74).

    What the case says afterwards is not told any more to whoever did the task.
    """
    failed = {}
    for kind, task in open_tasks.items():
        holder, sent = holder_of(task), typed(SOUND.get(kind.rpartition("/")[2], APPROVAL))

        def complete(_n: int, task: Task = task, holder: Any = holder, sent: Any = sent) -> Any:
            return rest(app.test_client(), holder, f"/task/{task.id}/complete", sent)

        with ThreadPoolExecutor(TWICE) as pool:
            answers = sorted(pool.map(complete, range(TWICE)), key=lambda answer: answer.status_code)
        if [answer.status_code for answer in answers] != [204, 409] or not answers[1].json["message"]:
            failed[kind] = [(answer.status_code, answer.text) for answer in answers]
        later = app.test_client().get(f"/engine-rest/task/{task.id}/variables", auth=(holder.login, PASSWORD))
        if later.status_code != 404:
            failed[kind, "variables"] = later.text
    assert not failed, "\n".join(f"{kind}: {str(said)[:300]}" for kind, said in failed.items())


def test_sealed_files_are_their_owners_alone(app: Flask, tmp_path: Any) -> None:
    path = tmp_path / "sealed" / "x"
    encryption.write_encrypted(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    encryption.write_encrypted(path, b"y")
    assert (stat.S_IMODE(path.stat().st_mode), encryption.read_encrypted(path)) == (0o600, b"y")


PLAN = {"title": "2026年第二期换证班", "kind": "renewal", "year": "2026", "time": "m6", "capacity": "80", "hours": "16"}
UNIT = {"name": "新立民爆公司", "kind": "enterprise", "business": "production", "credit_code": credit_code(901)}
PERSON = {"name": "陈戊辰", "id_type": "resident_id", "id_number": "370000198001010025", "act": "save"}
PERSON |= {"qualification_type": "MANAGER_PROD", "no_criminal_record": "true"}
TICKET = {"kind": "technical", "subject": "无法上传照片", "body": "上传照片时提示“不是图片”。"}
Make = Callable[[Stage], tuple[User, str, dict[str, Any], type[Any]]]
ACTS: dict[str, Make] = {
    "plans.create": lambda s: (s.province, "/plans", PLAN, TrainingPlan),
    "plans.begin_class": lambda s: (s.province, f"/plans/{_plan(s)}/classes", {}, Case),
    "classes.create": lambda s: (s.province, "/classes", {}, Case),
    "units.create": lambda s: (s.province, "/units", UNIT, Organisation),
    "persons.create": lambda s: (s.enterprise, "/persons", PERSON, Person),
    "corrections.ask": lambda s: (
        s.enterprise,
        f"/persons/{_holder(s)}/corrections",
        _correction(),
        IdentityCorrection,
    ),
    "samples.draw": lambda s: (_auditor(s), "/audit/samples", {"title": "抽样", "size": "1"}, AuditSample),
    "substitutes.appoint": lambda s: (
        s.association,
        "/account/substitutes",
        {"substitute": str(s.colleague.id), "from_day": str(today()), "until_day": str(today())},
        Substitution,
    ),
    "starts.start": lambda s: (s.association, f"/processes/{_started_by_association()}/start", {}, Case),
    "notices.create": lambda s: (s.association, "/bulletins", {"title": "通报", "body": "请按时完成。"}, Notice),
    "tickets.create": lambda s: (s.enterprise, "/tickets", TICKET, Ticket),
    "tickets.say": lambda s: (s.enterprise, f"/tickets/{_ticket(s)}", {"body": "补充一句。"}, TicketMessage),
    "certificates.print_certificate": lambda s: (
        s.association,
        f"/certificates/{_certificate(s)}/print",
        {"reason": "补打"},
        PrintRecord,
    ),
    "printing.create": lambda s: (
        s.association,
        "/certificates/print",
        {"certificate": str(_certificate(s)), "reason": "补打"},
        PrintBatch,
    ),
}
"""The views that make a row each time they are asked: who asks, where, with what, and which row."""


def _holder(stage: Stage) -> Any:
    return make_certificate(stage.person()).person_id


def _correction() -> dict[str, Any]:
    return {"kind": "name", "statement": "已更名，见户口簿。", "name": "陈戊臣", "files": portrait()}


def _plan(stage: Stage) -> Any:
    made = plans.save_plan(stage.province, PLAN)
    return plans.publish_plan(stage.province, made.id).id


def _auditor(stage: Stage) -> User:
    """An auditor of a case that there is."""
    _ticket(stage)
    return make_user("audit_admin", authority_id("platform"))


def _started_by_association() -> str:
    """A process with a page that starts it."""
    deployments.deploy(telling("to_role", "ministry"))
    return "P"


def _ticket(stage: Stage) -> Any:
    return tickets.open_ticket(stage.enterprise, TICKET).id


def _certificate(stage: Stage) -> Any:
    return make_certificate(stage.person(), printed_count=1).id


def making_views() -> set[str]:
    """The views that make something once for each form, by their endpoint."""
    found = set()
    for file in (SERVICE / "web/views").rglob("*.py"):
        tree = ast.parse(file.read_text())
        callers = {
            function.name
            for function in tree.body
            if isinstance(function, ast.FunctionDef)
            and any(isinstance(one, ast.Call) and getattr(one.func, "id", "") == "once" for one in ast.walk(function))
        }
        found |= {f"{file.stem}.{name}" for name in callers}
    return found


def test_every_view_that_makes_something_once_is_tried() -> None:
    inner = {"printing._begin": "printing.create", "persons._save": "persons.create", "units._create": "units.create"}
    assert {inner.get(name, name) for name in making_views()} == ACTS.keys()


@pytest.mark.parametrize("act", ACTS)
def test_a_form_sent_twice_at_once_makes_one_thing(app: Flask, clock: Any, act: str) -> None:
    """Two clients send the same form at the same moment: one row, and both are led to it (R74)."""
    user, address, data, model = ACTS[act](make_stage())
    before, sent = _count(model), data | {"form_id": str(new_id())}

    clients = [sign_in(app.test_client(), user) for _ in range(TWICE)]
    with ThreadPoolExecutor(TWICE) as pool:
        answers = list(pool.map(lambda one: one.post(address, data=_as_sent(sent)), clients))
    assert {answer.status_code for answer in answers} <= {302, 303}, [answer.text for answer in answers]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert _count(model) == before + 1


def _as_sent(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form, bytes as the file that each client reads for itself."""
    return {k: (io.BytesIO(v), "户口簿.jpg") if isinstance(v, bytes) else v for k, v in data.items()}


def _count(model: type[Any]) -> int:
    session().rollback()
    return session().scalar(select(func.count()).select_from(model)) or 0
