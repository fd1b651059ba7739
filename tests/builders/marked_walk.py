"""A walk through everything that people write: each input gets a text of its own, sent as the page or REST sends it.

An input is named ``form answer_ticket.message``, ``page tickets/new.html body``, ``rest POST /units contact`` or
``record unit.contact``; the walk remembers the text of each, so that a test can look where it came to lie.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from service.domain.training.class_fields import DATES
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.notices.notice import Notice
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Incident, Task
from service.models.tables.runtime.version_change import MigrationRun
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.certificates import certificate_expiry
from service.workflow.processes import definitions
from service.workflow.runtime import jobs
from service.workflow.runtime.incidents import record_incident
from service.workflow.versions import deployments, drafts, process_changes
from tests.api.v1_world import PASSWORD, Machine, give_password, make_world, told
from tests.builders.approval import require_approval
from tests.builders.documents import pdf
from tests.builders.stage import Stage, at_nine, draft, enroll, enrollment_of, known, task_of
from tests.builders.world import (
    credit_code,
    identity_number,
    make_certificate,
    make_person,
    make_unit,
    make_user,
    sign_in,
)

PRINT, APPROVE = "certification/print_certificate", "certification/approve_certificate"
DAY = timedelta(days=1)


class MarkedWalk:
    """One world, walked part by part.

    marks: input → text; hidden: pages that did not show a text to a reader who may see it.
    """

    def __init__(self, client: FlaskClient, clock: Any) -> None:
        self.client, self.clock = client, clock
        self.stage: Stage = make_world()
        self.desk = known(make_user("sys_admin", authority_id("platform")))
        give_password()
        self.marks: dict[str, str] = {}
        self.hidden: list[tuple[str, str, str]] = []
        self._numbers = itertools.count(1)

    def mark(self, *inputs: str) -> str:
        """A text that stands nowhere else, for one input that may be known by several names."""
        text = f"龘{next(self._numbers):04d}靐"
        self.marks |= dict.fromkeys(inputs, text)
        return text

    def phone(self, *inputs: str) -> str:
        """The same where a telephone is asked for."""
        text = f"1399{next(self._numbers):07d}"
        self.marks |= dict.fromkeys(inputs, text)
        return text

    def see(self, user: User, address: str, *inputs: str) -> None:
        """Look whether a page shows these texts to this reader."""
        content = sign_in(self.client, user).get(address).text
        for name in inputs:
            written = self.marks[name]
            if written not in content and json.dumps(written)[1:-1] not in content:
                self.hidden.append((user.role, address, name))
        session().expire_all()

    def post(self, user: User, address: str, status: int = 302, /, **typed: Any) -> Any:
        """Send a form of the pages."""
        sign_in(self.client, user)
        answer = self.client.post(address, data=typed)
        assert answer.status_code == status, (address, answer.status_code, re.findall(r'id="(\w+)-wrong"', answer.text))
        jobs.run_all()
        session().expire_all()
        return answer

    def rest(self, user: User, method: str, address: str, content: Any, status: int = 200) -> Any:
        """Send a request to REST."""
        answer = told(Machine(self.client, user).send(method, address, content), status)
        jobs.run_all()
        session().expire_all()
        return answer

    def complete(self, user: User, case: UUID, element: str, /, **typed: Any) -> None:
        """Complete a task on its page."""
        task = task_of(case, element)
        sign_in(self.client, user)
        page = self.client.get(f"/tasks/{task.id}")
        assert page.status_code == 200, page.text
        digest = re.search(r'name="form_digest" value="(\w+)"', page.text)
        assert digest
        self.post(user, f"/tasks/{task.id}", form_digest=digest[1], asked="1", **typed)

    def walk(self) -> None:
        """Walk everything, in the order of time."""
        self.tickets()
        self.units()
        self.persons()
        self.corrections()
        self.accounts()
        self.plans_and_notices()
        self.exports()
        self.classes()
        self.held_certificates()
        self.enrolments()
        self.training()
        self.mends()
        self.migrations()
        self.changes()
        self.samples()

    def samples(self) -> None:
        """Draw a case as an auditor, say what was found, and sign."""
        auditor = known(make_user("audit_admin", authority_id("platform")))
        asked = {"title": "抽查", "process": "support_ticket", "size": "1", "seed": "1"}
        address = self.post(auditor, "/audit/samples", **asked).location
        note, end = "page audit/sampled_case.html note", "page audit/sample.html conclusion"
        self.post(auditor, f"{address}/1", finding="fault", note=self.mark(note))
        self.post(auditor, f"{address}/sign", conclusion=self.mark(end), asked="1")
        self.see(auditor, address, note, end)

    def mends(self) -> None:
        """Mend a case, many, and what went wrong: why, administrators and auditors read."""
        admin = known(make_user("process_admin", authority_id("platform")))
        waiting = select(Task).join(Case, Case.id == Task.case_id)
        task = session().scalars(waiting.where(Task.state == "open", Case.ended_at.is_(None)).order_by(Task.id)).first()
        assert task
        case, element, process = task.case_id, task.element.split("/")[-1], task.process
        record_incident(case, task.element, "it failed")
        incident = session().scalars(select(Incident.id).where(Incident.case_id == case)).first()
        why = {
            name: self.mark(f"page {name} reason")
            for name in ("cases/mend.html", "processes/mend.html", "cases/show.html", "cases/incidents.html")
        }
        self.post(admin, f"/cases/{case}/mend", kind="suspend", then="mend", reason=why["cases/mend.html"])
        many = {"case": [str(case)], "kind": "resume", "then": "mend", "reason": why["processes/mend.html"]}
        self.post(admin, f"/processes/{process}/mend?element={element}", **many)
        self.post(admin, f"/incidents/{incident}/resolve", case=str(case), reason=why["cases/show.html"])
        record_incident(case, task.element, "it failed again")
        still = select(Incident.id).where(Incident.case_id == case, Incident.resolved_at.is_(None))
        again = {"incident": [str(session().scalars(still).one())], "then": "retry"}
        self.post(admin, "/incidents", 200, **again, reason=why["cases/incidents.html"])
        for reader in (admin, known(make_user("audit_admin", authority_id("platform")))):
            self.see(reader, f"/cases/{case}", *(f"page {name} reason" for name in why))

    def migrations(self) -> None:
        """Migrate the running cases of a process that is deployed anew."""
        admin = known(make_user("process_admin", authority_id("platform")))
        current = definitions.current("support_ticket")
        files = definitions.files(current.digest)
        files[current.main] += b"<!-- the same, drawn anew -->"
        deployments.deploy(files, process=current.key)
        sent = {"then": "migrate", "reason": self.mark("page processes/migrate.html reason")}
        self.post(admin, f"/processes/{current.key}/migrate?version={current.number}", **sent)
        jobs.run_all()
        run = session().scalars(select(MigrationRun.id)).one()
        self.see(admin, f"/migrations/{run}", "page processes/migrate.html reason")

    def changes(self) -> None:
        """Propose a version of a process, and refuse it."""
        proposer, approver = (known(make_user("process_admin", authority_id("platform"))) for _ in range(2))
        require_approval()
        text = drafts.open_draft("support_ticket").files
        main = "support_ticket.bpmn"
        drafts.save(proposer, "support_ticket", text | {main: text[main].replace("登记工单", "记下工单")}, 0)
        self.post(proposer, "/studio/support_ticket/propose", version="1", change_note="改一个名称")
        change = process_changes.open_change("support_ticket")
        assert change is not None
        assert change.case_id is not None
        no = {"decision": "refuse", "reason": self.mark("form approve_change.reason")}
        self.complete(approver, change.case_id, "approve_change", **no)
        self.see(proposer, "/processes/support_ticket?version=3", "form approve_change.reason")

    def tickets(self) -> None:
        """Ask, talk, answer and rate (R69)."""
        unit, association = self.stage.enterprise, self.stage.association
        asked = {
            "kind": "repair",
            "subject": "读卡器送修",
            "body": self.mark("page tickets/new.html body"),
            "device": self.mark("page tickets/new.html device"),
        }
        name = self.mark("page tickets/_parts.html files")
        self.post(unit, "/tickets", **asked, files=(io.BytesIO(pdf()), f"{name}.pdf"))
        ticket = session().scalars(select(Ticket)).one()
        case, address = ticket.case_id, f"/tickets/{ticket.id}"
        assert case
        self.complete(association, case, "accept_ticket", decision="accept")
        step = {"message": self.mark("said by the desk"), "progress": self.mark("form answer_ticket.progress")}
        self.complete(association, case, "answer_ticket", decision="progress", **step)
        self.complete(
            association, case, "answer_ticket", decision="ask", message=self.mark("form answer_ticket.message")
        )
        self.complete(unit, case, "reply_ticket", message=self.mark("form reply_ticket.message"))
        self.post(unit, address, body=self.mark("page tickets/show.html body"))
        self.complete(association, case, "answer_ticket", decision="resolve", message=self.mark("the desk's answer"))
        self.complete(unit, case, "rate_ticket", decision="reopen", message=self.mark("form rate_ticket.message"))
        for reader in (unit, association):
            self.see(reader, address, *(name for name in self.marks if "ticket" in name or "desk" in name))
        self.see(association, f"/cases/{case}/replay.json", "form answer_ticket.message", "form rate_ticket.message")

    def units(self) -> None:
        """Enter and change units; remind one."""
        province, unit = self.stage.province, self.stage.unit
        fields = ("legal_rep", "contact", "address")
        record = {name: self.mark(f"record unit.{name}", f"page units/edit.html {name}") for name in fields}
        record["phone"] = self.phone("record unit.phone", "page units/edit.html phone")
        self.post(province, f"/units/{unit.id}", **record, business="production", version=str(_version(unit)))
        self.see(province, f"/units/{unit.id}", *(f"record unit.{name}" for name in (*fields, "phone")))
        again = {name: self.mark(f"rest PATCH /units/{{unit_id}} {name}") for name in fields}
        again["phone"] = self.phone("rest PATCH /units/{unit_id} phone")
        self.rest(province, "PATCH", f"/units/{unit.id}", again)
        # the first values stand in the history of the record, which its page shows
        self.see(province, f"/units/{unit.id}", "record unit.contact", "rest PATCH /units/{unit_id} contact")
        new = {name: self.mark(f"rest POST /units {name}") for name in fields}
        new["phone"] = self.phone("rest POST /units phone")
        sent = {**new, "name": "新立民爆公司", "kind": "enterprise", "credit_code": credit_code(901)}
        made = self.rest(province, "POST", "/units", sent, 201)
        self.see(province, f"/units/{made['id']}", *(f"rest POST /units {name}" for name in (*fields, "phone")))
        typed = {name: self.mark(f"page units/new.html {name}") for name in fields}
        typed["phone"] = self.phone("page units/new.html phone")
        self.post(province, "/units", **typed, name="又立民爆公司", kind="enterprise", credit_code=credit_code(902))
        self._odd_codes()
        bare = make_unit(state="draft", contact=None, phone=None)
        note = self.mark("page unit_actions/unentered.html note")
        self.post(province, "/units/unentered", only=str(bare.id), note=note)
        self.see(province, "/units/reminders", "page unit_actions/unentered.html note")

    def _odd_codes(self) -> None:
        """Say why a code stands whose check character does not fit (R82)."""
        province, codes = self.stage.province, [_misfit(credit_code(910 + n)) for n in range(4)]
        why = self.mark("page units/new.html credit_code_reason", "record unit.credit_code_reason")
        named = {"name": "旧码民爆公司", "kind": "enterprise", "credit_code": codes[0]}
        made = self.post(province, "/units", **named, credit_code_reason=why).headers["Location"]
        self.see(province, made, "record unit.credit_code_reason")
        why = self.mark("page units/edit.html credit_code_reason")
        unit = make_unit(credit_code=None)
        self.post(province, f"/units/{unit.id}", credit_code=codes[1], credit_code_reason=why, version="1")
        sent = {"credit_code": codes[2], "credit_code_reason": self.mark("rest POST /units credit_code_reason")}
        self.rest(province, "POST", "/units", {"name": "旧码二公司", "kind": "enterprise", **sent}, 201)
        unit = make_unit(credit_code=None)
        sent = {
            "credit_code": codes[3],
            "credit_code_reason": self.mark("rest PATCH /units/{unit_id} credit_code_reason"),
        }
        self.rest(province, "PATCH", f"/units/{unit.id}", sent)

    def persons(self) -> None:
        """Enter, send back, submit again, deregister (R12–R17)."""
        unit, province = self.stage.enterprise, self.stage.province
        fields = ("post", "education", "title")
        typed = {name: self.mark(f"record person.{name}", f"page persons/form.html {name}") for name in fields}
        numbers = {
            "id_number": self._number("record person.id_number", "page persons/form.html id_number"),
            "phone": self.phone("record person.phone", "page persons/form.html phone"),
        }
        who = {"name": "陈戊辰", "id_type": "resident_id", "qualification_type": "MANAGER_PROD"}
        self.post(unit, "/persons", **who, **typed, **numbers, no_criminal_record="true", act="submit")
        person = session().scalars(select(Person).where(Person.name == "陈戊辰")).one()
        case = person.case_id
        assert case
        self.see(province, f"/persons/{person.id}", *(f"record person.{name}" for name in fields))
        why = self.mark("form approve_person.reason", "record person.decision_comment")
        self.complete(province, case, "approve_person", decision="reject", reason=why)
        self.see(unit, f"/cases/{case}/replay.json", "form approve_person.reason")
        self.complete(unit, case, "revise_person", note=self.mark("form revise_person.note"))
        sent = {"decision": "reject", "reason": self.mark("rest POST /persons/{person_id}/approve reason")}
        self.rest(province, "POST", f"/persons/{person.id}/approve", sent)
        change = {name: self.mark(f"rest PATCH /persons/{{person_id}} {name}") for name in fields}
        self.rest(unit, "PATCH", f"/persons/{person.id}", change)
        numbers = {
            "phone": self.phone("rest PATCH /persons/{person_id} phone"),
            "id_number": self._number("rest PATCH /persons/{person_id} id_number"),
        }
        self.rest(unit, "PATCH", f"/persons/{make_person(self.stage.unit, state='draft').id}", numbers)
        # both versions stand side by side (S88)
        self.see(province, f"/persons/{person.id}", "record person.post", "rest PATCH /persons/{person_id} post")
        self.rest(unit, "POST", f"/persons/{person.id}/submit", None)
        why = self.mark("page persons/deregister.html reason")
        self.post(province, f"/persons/{person.id}/deregister", reason=why)
        self.see(province, f"/persons/{person.id}", "page persons/deregister.html reason")
        new = {name: self.mark(f"rest POST /persons {name}") for name in fields}
        new |= {
            "phone": self.phone("rest POST /persons phone"),
            "id_number": self._number("rest POST /persons id_number"),
        }
        made = self.rest(
            unit,
            "POST",
            "/persons",
            {**new, "name": "陈戊巳", "qualification_type": "MANAGER_PROD", "no_criminal_record": True, "submit": True},
            201,
        )
        self.rest(province, "POST", f"/persons/{made['id']}/approve", {"decision": "approve"})
        leaving = {"reason": self.mark("rest POST /persons/{person_id}/deregister reason")}
        self.rest(province, "POST", f"/persons/{made['id']}/deregister", leaving)

    def corrections(self) -> None:
        """Ask for corrections of identities, and refuse them at both desks (R77)."""
        unit, province, association = self.stage.enterprise, self.stage.province, self.stage.association
        asked = []
        for field in ("id_number", "name"):
            person = self.stage.person()
            make_certificate(person)
            raw = {"kind": "typing", "name": person.name, "id_type": "resident_id", "id_number": ""}
            new = self._number("page persons/corrections.html id_number") if field == "id_number" else "陈更名"
            said = {"statement": self.mark("page persons/corrections.html statement")}
            file = (io.BytesIO(pdf()), f"{self.mark('page persons/corrections.html files')}.pdf")
            self.post(unit, f"/persons/{person.id}/corrections", **raw | {field: new} | said, files=file)
            self.see(province, f"/persons/{person.id}/corrections", "page persons/corrections.html statement")
            query = select(IdentityCorrection.case_id).where(IdentityCorrection.person_id == person.id)
            asked.append(session().scalars(query).one())
        no = {"decision": "refuse", "reason": self.mark("form approve_correction.reason")}
        self.complete(province, asked[0], "approve_correction", **no)
        self.complete(province, asked[1], "approve_correction", decision="approve")
        no = {"decision": "refuse", "reason": self.mark("form assent_identity.reason")}
        self.complete(association, asked[1], "assent_identity", **no)
        self._corrections_over_rest()

    def _corrections_over_rest(self) -> None:
        """The same over REST, refused by the province."""
        person = self.stage.person()
        make_certificate(person)
        door = "rest POST /persons/{person_id}/corrections"
        said = {"statement": self.mark(f"{door} statement"), "id_number": self._number(f"{door} id_number")}
        evidence = {"name": "户口簿.pdf", "content": base64.b64encode(pdf()).decode()}
        asked = self.rest(
            self.stage.enterprise,
            "POST",
            f"/persons/{person.id}/corrections",
            {"kind": "typing", **said, "files": [evidence]},
            201,
        )
        no = {"decision": "refuse", "reason": self.mark("rest POST /corrections/{correction_id}/decide reason")}
        self.rest(self.stage.province, "POST", f"/corrections/{asked['id']}/decide", no)
        self.see(self.stage.province, f"/persons/{person.id}/corrections", f"{door} statement")

    def _number(self, *inputs: str) -> str:
        number = identity_number(700 + next(self._numbers))
        self.marks |= dict.fromkeys(inputs, number)
        return number

    def accounts(self) -> None:
        """Say how an account is reached."""
        unit = self.stage.enterprise
        own = {"phone": self.phone("page accounts/own.html phone"), "mail": self._mail("page accounts/own.html mail")}
        self.post(unit, "/account", **own)
        view = "page layout/saved_views.html view_name"
        self.post(unit, "/views/persons", state="draft", back="/persons", view_name=self.mark(view))
        self.see(unit, "/persons", view)
        edited = {
            "phone": self.phone("page accounts/edit.html phone"),
            "mail": self._mail("page accounts/edit.html mail"),
        }
        about = make_user("enterprise", self.stage.unit.id)
        self.post(
            self.stage.province, f"/users/{about.id}/edit", **edited, display_name="张甲子", version=str(about.version)
        )

    def _mail(self, *inputs: str) -> str:
        text = f"m{next(self._numbers):07d}@example.com"
        self.marks |= dict.fromkeys(inputs, text)
        return text

    def plans_and_notices(self) -> None:
        """Write a plan and cancel it, a bulletin with a file and withdraw it."""
        province = self.stage.province
        plan = {
            "title": "本年换证计划",
            "kind": "renewal",
            "year": str(today().year),
            "time": "m9",
            "place": "济南",
            "note": self.mark("record plan.note", "page plans/form.html note"),
        }
        made = self.post(province, "/plans", **plan).headers["Location"]
        self.post(province, f"{made}/publish")
        why = self.mark("page plans/cancel.html reason", "record plan.cancel_reason")
        self.post(province, f"{made}/cancel", reason=why)
        self.see(province, made, "record plan.note", "record plan.cancel_reason")
        text = {"title": "关于报送资料的通报", "body": self.mark("page notices/form.html body")}
        self.post(province, "/bulletins", **text)
        bulletin = session().scalars(select(Notice).where(Notice.kind == "bulletin")).one()
        file = f"{self.mark('page notices/form.html file')}.pdf"
        self.post(province, f"/bulletins/{bulletin.id}/files", file=(io.BytesIO(pdf()), file))
        self.post(province, f"/bulletins/{bulletin.id}/publish")
        self.see(
            self.stage.enterprise,
            f"/notices/{bulletin.id}",
            "page notices/form.html body",
            "page notices/form.html file",
        )
        self.post(province, f"/bulletins/{bulletin.id}/withdraw", reason=self.mark("page notices/withdraw.html reason"))

    def exports(self) -> None:
        """Say what an export is for (R71)."""
        what_for = self.mark("page exports/new.html purpose")
        self.post(self.stage.association, "/exports/new/persons", 303, purpose=what_for, numbers="whole")
        self.see(self.stage.association, "/exports", "page exports/new.html purpose")
        auditor = make_user("audit_admin", authority_id("platform"))
        self.see(auditor, "/audit", "page exports/new.html purpose")

    def classes(self) -> None:
        """Draft, keep, publish, change and cancel classes, with somebody enrolled (R33–R37)."""
        association, unit = self.stage.association, self.stage.enterprise
        self.post(association, "/classes")
        case = session().scalars(select(Case.id).where(Case.process == "training_class")).one()
        kept = {"contact": self.mark("kept in a draft"), "body": self.mark("kept in a draft, too")}
        self.complete(association, case, "draft_class", **{"title": "尚缺日期", "decision": "keep"} | kept)
        self.see(association, f"/tasks/{task_of(case, 'draft_class').id}", "kept in a draft", "kept in a draft, too")
        typed = {
            "contact": self.mark("form draft_class.contact", "record class.contact"),
            "body": self.mark("form draft_class.body", "record class.body"),
        }
        self.complete(association, case, "draft_class", **draft(self.stage) | typed)
        found = session().scalars(select(TrainingClass)).one()
        address = f"/classes/{found.id}"
        self.see(unit, address, "record class.contact", "record class.body")
        notice = session().scalars(select(Notice).where(Notice.class_id == found.id)).one()
        self.see(unit, f"/notices/{notice.id}", "record class.contact", "record class.body")
        enroll(self.stage, found, self.stage.person())
        seen = re.search(r'name="seen" value="(\w+)"', sign_in(self.client, association).get(f"{address}/change").text)
        assert seen
        now = {name: draft(self.stage)[name] for name in ("place", *DATES, "capacity", "pass_mark")}
        change = {
            "contact": self.mark("page classes/change.html contact"),
            "body": self.mark("page classes/change.html body"),
        }
        self.post(association, f"{address}/change", **now | change, seen=seen[1])
        self.see(unit, address, *(f"page classes/change.html {name}" for name in change))
        again = {
            "contact": self.mark("rest PATCH /classes/{class_id} contact"),
            "body": self.mark("rest PATCH /classes/{class_id} body"),
        }
        self.rest(association, "PATCH", address, again)
        why = self.mark("page classes/cancel.html reason")
        self.post(association, f"{address}/cancel", reason=why)
        self.see(unit, address, "page classes/cancel.html reason")
        self.see(unit, "/enrollments", "page classes/cancel.html reason")
        new = draft(self.stage) | {
            "hours": 48,
            "capacity": 40,
            "pass_mark": 60,
            "makeup_allowed": True,
            "contact": self.mark("rest POST /classes contact"),
            "body": self.mark("rest POST /classes body"),
        }
        made = self.rest(association, "POST", "/classes", new, 201)
        self.see(association, f"/classes/{made['id']}", "rest POST /classes contact", "rest POST /classes body")
        why = {"reason": self.mark("rest POST /classes/{class_id}/cancel reason")}
        self.rest(association, "POST", f"/classes/{made['id']}/cancel", why)

    def held_certificates(self) -> None:
        """Reissue, revoke, deregister, print and hand out (R58, R62, R64)."""
        self._reissues()
        self._revoked()
        self._expired()
        self._prints()

    def _revoked(self) -> None:
        ministry = self.stage.ministry
        first, second = (make_certificate(self.stage.person()) for _ in range(2))
        self.post(
            ministry, f"/certificates/{first.id}/revoke", reason=self.mark("page certificates/revoke.html reason")
        )
        self.see(ministry, f"/certificates/{first.id}", "page certificates/revoke.html reason")
        why = {"reason": self.mark("rest POST /certificates/{certificate_id}/revoke reason")}
        self.rest(ministry, "POST", f"/certificates/{second.id}/revoke", why)

    def _reissues(self) -> None:
        unit, association = self.stage.enterprise, self.stage.association
        held = [make_certificate(self.stage.person(), printed_count=1) for _ in range(3)]
        lost = self.mark("page reissues/new.html statement")
        self.post(unit, f"/certificates/{held[0].id}/reissue", statement=lost)
        case = session().scalars(select(Reissue.case_id)).one()
        self.see(association, f"/tasks/{task_of(case, 'review_reissue').id}", "page reissues/new.html statement")
        self.complete(
            association, case, "review_reissue", decision="return", reason=self.mark("form review_reissue.reason")
        )
        self.see(unit, "/reissues", "form review_reissue.reason")
        self.complete(unit, case, "revise_reissue", statement=self.mark("form revise_reissue.statement"))
        self.see(
            association, f"/cases/{case}/replay.json", "form revise_reissue.statement", "form review_reissue.reason"
        )
        self.see(association, "/reissues", "form revise_reissue.statement")
        sent = {"statement": self.mark("rest POST /certificates/{certificate_id}/reissue statement")}
        self.rest(unit, "POST", f"/certificates/{held[1].id}/reissue", sent, 201)
        variables = {
            "certificate_id": {"value": str(held[2].id)},
            "statement": {"value": self.mark("form start_certificate_reissue.statement")},
        }
        address = "/engine-rest/process-definition/key/certificate_reissue/start"
        begun = self.client.post(address, json={"variables": variables}, auth=(unit.login, PASSWORD))
        assert begun.status_code == 200, begun.text
        self.see(association, "/reissues", "form start_certificate_reissue.statement")

    def _expired(self) -> None:
        ministry = self.stage.ministry
        old = [make_certificate(self.stage.person(), today() - 9 * DAY) for _ in range(3)]
        certificate_expiry.start_deregistrations()
        task = [task_of(_case_of(one), "deregister_certificate") for one in old]
        until = str(today() + 30 * DAY)
        wait = {"decision": "postpone", "until": until, "reason": self.mark("form deregister_certificate.reason")}
        self.complete(ministry, _case_of(old[0]), "deregister_certificate", **wait)
        why = self.mark("page layout/question.html reason")
        self.post(
            ministry, "/certificates/expired", submission=str(new_id()), task=str(task[1].id), reason=why, asked="1"
        )
        self.see(ministry, f"/certificates/{old[1].id}", "page layout/question.html reason")
        end = {
            "decision": "deregister",
            "reason": self.mark("rest POST /certificates/{certificate_id}/deregister reason"),
        }
        self.rest(ministry, "POST", f"/certificates/{old[2].id}/deregister", end)

    def _prints(self) -> None:
        association = self.stage.association
        held = make_certificate(self.stage.person(), printed_count=1)
        why = self.mark("page certificates/show.html reason")
        self.post(association, f"/certificates/{held.id}/print", 303, reason=why)
        again = {"reason": self.mark("rest POST /certificates/{certificate_id}/prints reason")}
        self.rest(association, "POST", f"/certificates/{held.id}/prints", again, 201)
        many = self.mark("page printing/new.html reason")
        self.post(association, "/certificates/print", 303, certificate=str(held.id), title="选中的证书", reason=many)
        records = list(session().scalars(select(PrintRecord).order_by(PrintRecord.created_at, PrintRecord.id)))
        day = str(today())
        first = {"received_by": self.mark("page certificates/show.html received_by"), "received_on": day}
        self.post(association, f"/certificates/prints/{records[0].id}/hand-out", **first)
        second = {"received_by": self.mark("page printing/register.html received_by"), "received_on": day}
        self.post(association, "/certificates/prints", print=str(records[1].id), **second)
        third = {"received_by": self.mark("rest POST /prints/{print_id}/hand-out received_by"), "received_on": day}
        self.rest(association, "POST", f"/prints/{records[2].id}/hand-out", third)
        printed = [name for name in self.marks if "print" in name or "certificates/show" in name]
        self.see(association, "/certificates/prints", *printed)
        auditor = make_user("audit_admin", authority_id("platform"))
        self.see(auditor, "/audit", "page printing/new.html reason")

    def enrolments(self) -> None:
        """Refuse and withdraw enrolments (R43, R46)."""
        unit, province = self.stage.enterprise, self.stage.province
        found = self._open_class()
        cases = [enroll(self.stage, found, self.stage.person()) for _ in range(4)]
        rows = [enrollment_of(case).id for case in cases]
        why = self.mark("form confirm_enrollment.reason")
        self.complete(province, cases[0], "confirm_enrollment", decision="reject", reason=why)
        self.see(unit, "/enrollments", "form confirm_enrollment.reason")
        self.see(unit, f"/cases/{cases[0]}/replay.json", "form confirm_enrollment.reason")
        sent = {"decision": "reject", "reason": self.mark("rest POST /enrollments/{enrollment_id}/confirm reason")}
        self.rest(province, "POST", f"/enrollments/{rows[1]}/confirm", sent)
        self.post(unit, f"/enrollments/{rows[2]}/withdraw", reason=self.mark("page enrollments/withdraw.html reason"))
        sent = {"reason": self.mark("rest POST /enrollments/{enrollment_id}/withdraw reason")}
        self.rest(unit, "POST", f"/enrollments/{rows[3]}/withdraw", sent)
        other = enroll(self.stage, found, self.stage.person())
        many = {
            "enrollments": [str(enrollment_of(other).id)],
            "decision": "reject",
            "reason": self.mark("rest POST /enrollments/confirm reason"),
        }
        self.rest(province, "POST", "/enrollments/confirm", many)
        self.see(unit, "/enrollments", *(name for name in self.marks if "withdraw" in name and "notices" not in name))

    def training(self) -> None:
        """Return and correct scores, refuse, recover and void certificates, print again (R51, R58, R60)."""
        association, colleague, ministry = self.stage.association, self.stage.colleague, self.stage.ministry
        found = self._open_class(lasts=2)  # passes are confirmed before its end, for a reason (R76)
        cases = [enroll(self.stage, found, self.stage.person()) for _ in range(8)]
        for case in cases:
            self.complete(self.stage.province, case, "confirm_enrollment", decision="confirm")
        self.clock.move_to(at_nine(found.starts_on))
        jobs.run_all()
        for case in cases:
            self.complete(association, case, "check_in")
            self.complete(self.stage.institution, case, "record_score", score="83.5")
        sent = {"reason": self.mark("rest POST /enrollments/{enrollment_id}/end reason")}
        self.rest(association, "POST", f"/enrollments/{enrollment_of(cases.pop()).id}/end", sent)
        ended = cases.pop()
        why = self.mark("page enrollments/end.html reason")
        self.post(association, f"/enrollments/{enrollment_of(ended).id}/end", reason=why)
        one, two, three, four = cases[:4]
        cases, more = cases[:4], cases[4:]
        back = {"decision": "return", "reason": self.mark("form confirm_score.reason")}
        self.complete(association, one, "confirm_score", **back)
        self.see(self.stage.institution, f"/cases/{one}/replay.json", "form confirm_score.reason")
        ids = [str(enrollment_of(case).id) for case in cases]
        sent = {
            "decision": "return",
            "reason": self.mark("rest POST /enrollments/{enrollment_id}/confirm-score reason"),
        }
        self.rest(association, "POST", f"/enrollments/{ids[1]}/confirm-score", sent)
        many = {"decision": "return", "reason": self.mark("rest POST /scores/confirm reason"), "enrollments": [ids[2]]}
        self.rest(association, "POST", "/scores/confirm", many)
        for case in (one, two, three):
            self.complete(self.stage.institution, case, "record_score", score="83.5")
        early = {"decision": "confirm", "early_reason": self.mark("form confirm_score.early_reason")}
        for case in cases:
            self.complete(association, case, "confirm_score", **early)
        self.see(ministry, f"/tasks/{task_of(one, APPROVE).id}", "form confirm_score.early_reason")
        key, other = (str(enrollment_of(case).id) for case in more)
        early |= {"early_reason": self.mark("rest POST /enrollments/{enrollment_id}/confirm-score early_reason")}
        self.rest(association, "POST", f"/enrollments/{key}/confirm-score", early)
        early |= {"early_reason": self.mark("rest POST /scores/confirm early_reason")}
        self.rest(association, "POST", "/scores/confirm", early | {"enrollments": [other]})
        why = self.mark("page enrollments/correct.html reason")
        self.post(association, f"/enrollments/{ids[0]}/correct", score="84", reason=why)
        self.see(colleague, f"/tasks/{task_of(one, 'assent_correction').id}", "page enrollments/correct.html reason")
        no = {"decision": "refuse", "reason": self.mark("form assent_correction.reason")}
        self.complete(colleague, one, "assent_correction", **no)
        sent = {"score": 20, "reason": self.mark("rest POST /enrollments/{enrollment_id}/correct-score reason")}
        self.rest(association, "POST", f"/enrollments/{ids[1]}/correct-score", sent)
        self.complete(colleague, two, "assent_correction", decision="assent")
        sent = {"score": 90, "reason": "卷面重核"}
        self.rest(association, "POST", f"/enrollments/{ids[1]}/correct-score", sent)
        yes = {"decision": "assent", "early_reason": self.mark("form assent_correction.early_reason")}
        self.complete(colleague, two, "assent_correction", **yes)
        self.complete(association, three, PRINT)
        unlike = self.mark("form approve_certificate.reason")
        self.complete(ministry, three, APPROVE, decision="refuse", reason=unlike)
        note = {"recovered": "true", "recovery_note": self.mark("form recover_certificate.recovery_note")}
        self.see(association, f"/tasks/{task_of(three, 'recover_certificate').id}", "form approve_certificate.reason")
        self.complete(association, three, "recover_certificate", **note)
        self.complete(association, three, "correct_certificate", decision="resubmit")
        self.complete(association, three, PRINT, print_reason=self.mark("form print_certificate.print_reason"))
        self.see(association, "/certificates/prints", "form print_certificate.print_reason")
        [made] = session().scalars(select(Certificate).where(Certificate.enrollment_id == UUID(ids[3])))
        sent = {"decision": "refuse", "reason": self.mark("rest POST /certificates/{certificate_id}/approve reason")}
        self.rest(ministry, "POST", f"/certificates/{made.id}/approve", sent)
        end = {"decision": "void", "reason": self.mark("form correct_certificate.reason")}
        self.complete(association, four, "correct_certificate", **end)
        self.see(association, f"/certificates/{made.id}", "form correct_certificate.reason")

    def _open_class(self, lasts: int = 1) -> TrainingClass:
        before = set(session().scalars(select(TrainingClass.id)))
        self.post(self.stage.association, "/classes")
        case = (
            session().scalars(select(Case.id).where(Case.process == "training_class").order_by(Case.id.desc())).first()
        )
        assert case
        typed = draft(self.stage)
        ends_on = date.fromisoformat(typed["starts_on"]) + timedelta(days=lasts - 1)
        self.complete(self.stage.association, case, "draft_class", **typed | {"ends_on": str(ends_on)})
        return session().scalars(select(TrainingClass).where(TrainingClass.id.not_in(before))).one()


def _misfit(code: str) -> str:
    """The code with a check character that does not fit."""
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def _version(unit: Organisation) -> int:
    return session().get_one(Organisation, unit.id, populate_existing=True).version


def _case_of(certificate: Certificate) -> UUID:
    query = select(Case.id).where(Case.business_key == str(certificate.id)).order_by(Case.started_at.desc())
    found = session().scalars(query).first()
    assert found
    return found
