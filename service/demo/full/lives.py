"""One person of the full demonstration: entered, approved, enrolled year after year, perhaps deregistered; all his rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from service import engine
from service.demo.full.courses import Act, Course
from service.demo.full.plan import Learner
from service.demo.full.sheets import Row, Sheets
from service.demo.full.world import World
from service.domain.certificates.certificates import Certificate as Rule
from service.domain.certificates.certificates import CertificateState
from service.domain.persons.identity import mask, parse_resident_id
from service.domain.training import training_need
from service.domain.training.training_need import EnrollmentFact
from service.domain.values.calendar import civil_date
from service.engine import Request
from service.models.db.collation import sort_key
from service.models.db.encryption import blind_index, encrypt
from service.models.db.transaction import Operation
from service.models.tables.certificate import Certificate, NumberOwner
from service.models.tables.person import Person
from service.models.tables.training import TrainingNeed
from service.operations.context import TaskSubject

REJECTED = "照片与证件照要求不符，请重新上传白底近照。"
LEFT = "已调离民爆行业。"


class Life:
    """Runs what is planned for a person, as far as it has happened by ``world.now``."""

    def __init__(self, sheets: Sheets, world: World, learner: Learner) -> None:
        self.sheets, self.world, self.learner, self.unit = sheets, world, learner, learner.unit
        self.held: Row | None = None
        self.making: Row | None = None
        self.editions = 1
        self.years: set[int] = set()
        self.renewals: list[EnrollmentFact] = []
        self._rows: list[Row] = []
        self.person = self._enter()

    def close(self) -> None:
        """Everything is told: hand over his rows, and what he needs now."""
        self._need()
        for row in self._rows:
            row.close()

    def keep(self, row: Row) -> Row:
        """Hand the row over once everything is told."""
        self._rows.append(row)
        return row

    def facts(self, day: date) -> training_need.Facts:
        """What the training need is decided from on a day, by the rules themselves."""
        rules = [
            Rule(row["issued_on"], row["valid_to"], CertificateState(row["state"]), row["number"], row["edition"])
            for row in (self.held, self.making)
            if row is not None
        ]
        return training_need.facts(day, rules, self.renewals, self.years)

    def _enter(self) -> Row:
        learner, record = self.learner, self.learner.record
        identity = parse_resident_id(record["id_number"], civil_date(learner.entered_at))
        legacy = dict(zip(("legacy_number", "legacy_issued_on", "legacy_valid_to"), learner.legacy or (), strict=False))
        photos = self.world.photos
        return self.keep(
            Row(
                self.sheets,
                Person,
                learner.entered_at,
                Operation("submit_person", self.unit.user_id),
                name=record["name"],
                sort_key=sort_key(record["name"]),
                id_type="resident_id",
                id_number_sealed=encrypt(identity.number.encode()),
                id_number_digest=blind_index(identity.number),
                id_number_masked=mask(identity.number),
                sex=identity.sex,
                birth_date=identity.birth_date,
                unit_id=self.unit.id,
                qualification_type_id=self.world.types[learner.kind][0],
                post=record["post"],
                education=record["education"],
                title=record["title"],
                phone_sealed=encrypt(record["phone"].encode()),
                phone_masked=mask(record["phone"]),
                photo_id=photos[learner.number % len(photos)],
                appointed_on=date.fromisoformat(record["appointed_on"]),
                no_criminal_record=True,
                state="draft",
                **legacy,
            )
        )

    def approve(self) -> None:
        """The unit sends him to its province, which decides (R12); an academy's is entered at once."""
        learner, course = self.learner, self._course(self.learner.entered_at)
        start = Act("start", learner.entered_at, self.unit.user_id, data={"person_id": str(self.person.id)})
        self.person.change(learner.entered_at, course.cause("submit_person", start), case_id=course.id)
        self._move(course, start, "submit_person")
        if course.has_open("approve_person") and learner.decided_at <= self.world.now:
            is_refused = learner.fate == "rejected"
            raw = {"decision": "reject", "reason": REJECTED} if is_refused else {"decision": "approve"}
            data = self.world.forms["personnel_approval"].clean("approve_person", raw)
            by = self.world.office(self.unit.code)
            self._move(course, Act("complete", learner.decided_at, by, "approve_person", data), "complete")
        course.close()

    def deregister(self, at: datetime) -> None:
        """His province takes him out for ever, with a reason (R17)."""
        data = {"person_id": str(self.person.id), "request": "deregister", "reason": LEFT}
        course = self._course(at)
        by = self.world.office("association" if self.unit.is_academy else self.unit.code)
        self._move(course, Act("start", at, by, data=data), "deregister_person")
        course.close()

    def _course(self, at: datetime) -> Course:
        return Course(self.sheets, self.world.definitions["personnel_approval"], at, str(self.person.id))

    def _move(self, course: Course, act: Act, use_case: str) -> None:
        cause = course.cause(use_case, act)

        def serve(request: Request) -> dict[str, Any]:
            return self._decided(request, act, cause)

        course.move(act, serve, lambda data: self._description())

    def _decided(self, request: Request, act: Act, cause: Operation) -> dict[str, Any]:
        """What the handlers of personnel_approval answer and write."""
        topic = request.topic.removeprefix("personnel_approval.")
        if topic == "receive":
            authority = self.unit.authority_id
            return {
                "request": request.data.get("request") or "approval",
                "unit_id": str(self.unit.id),
                "authority_id": str(authority) if authority else None,
                "is_academy": self.unit.is_academy,
            }
        if topic == "submit" and not self.unit.is_academy:
            self.person.change(act.at, cause, state="pending")
        elif topic in ("submit", "approve"):
            self.person.change(act.at, cause, state="approved")
            self._enter_legacy(act, cause)
        elif topic == "reject":
            self.person.change(act.at, cause, state="rejected", decision_comment=REJECTED)
        elif topic == "deregister":
            self.person.change(act.at, cause, state="deregistered", decision_comment=LEFT, case_id=cause.case_id)
        return {}

    def _enter_legacy(self, act: Act, cause: Operation) -> None:
        """What was typed of an older certificate becomes one (R21)."""
        if self.learner.legacy is None:
            return
        number, issued_on, valid_to = self.learner.legacy
        self.own(number)
        self.held = self.keep(
            Row(
                self.sheets,
                Certificate,
                act.at,
                cause,
                number=number,
                person_id=self.person.id,
                qualification_type_id=self.person["qualification_type_id"],
                kind="legacy",
                first_issued_on=issued_on,
                issued_on=issued_on,
                valid_to=valid_to,
                edition=1,
                state="valid",
                approval="approved",
                approved_by=act.actor_id,
                approved_at=act.at,
                unit_name=self.unit.name,
            )
        )

    def own(self, number: str) -> None:
        """The number is his for ever."""
        self.sheets.add(NumberOwner, number=number, owner=self.person["id_number_digest"])

    def _description(self) -> TaskSubject:
        person, (_, type_name) = self.person, self.world.types[self.learner.kind]
        return TaskSubject(
            subject=person["name"],
            summary=type_name,
            unit_name=self.unit.name,
            unit_id=self.unit.id,
            authority_id=self.unit.authority_id,
            facts={
                "qualification_type": self.learner.kind,
                "qualification_name": type_name,
                "id_number": person["id_number_masked"],
                "sex": person["sex"],
                "birth_date": person["birth_date"].isoformat(),
                "post": person["post"],
                "legacy_number": person.values.get("legacy_number"),
                "has_photo": True,
                "legacy_valid_to": person["legacy_valid_to"].isoformat() if self.learner.legacy else None,
                "previous_comment": person.values.get("decision_comment"),
            },
        )

    def _need(self) -> None:
        """The projection, decided by the table from the facts of today; a draft's or a stranger's is stale as in production."""
        known, day = self.facts(self.world.today), self.world.today
        current = self.held or self.making
        values: dict[str, Any] = {
            "person_id": self.person.id,
            "reference_date": date.fromisoformat(str(known["reference_date"])),
        }
        need = engine.evaluate_decision(self.world.deciding, "training_need", known)["need"]
        values |= {"need": need, "as_of": day, "valid_to": current["valid_to"] if current else None}
        values |= {name: self.person[name] for name in ("unit_id", "qualification_type_id", "state")}
        values |= {"certificate_id": current.id if current else None, "decision": self.world.decision}
        self.sheets.add(TrainingNeed, **values)
