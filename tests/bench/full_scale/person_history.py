"""Rows of one person: entered, approved, enrolled year after year, perhaps deregistered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from service import engine
from service.domain.certificates.certificates import Certificate as Rule
from service.domain.certificates.certificates import CertificateState
from service.domain.persons.identity import mask, parse_resident_id
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.training import training_need
from service.domain.training.training_need import EnrollmentFact
from service.domain.values.calendar import civil_date
from service.engine import Request
from service.models.db.collation import name_keys
from service.models.db.encryption import blind_index, encrypt
from service.models.db.transaction import Operation
from service.models.tables.certificates.certificate import Certificate, NumberOwner
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingNeed
from service.operations.context import TaskSubject
from service.validation.form_reader import FormReader
from service.validation.record_fields import Place
from tests.bench.full_scale.bulk_copy import AuditedRow, CopyBuffer
from tests.bench.full_scale.case_run import CaseInput, CaseRun
from tests.bench.full_scale.plan import PersonPlan
from tests.bench.full_scale.shared_data import SharedData

REJECTED = "照片与证件照要求不符，请重新上传白底近照。"
LEFT = "已调离民爆行业。"


class PersonHistory:
    """Runs the cases planned for a person, as far as they have happened by ``shared.now``."""

    def __init__(self, buffer: CopyBuffer, shared: SharedData, plan: PersonPlan) -> None:
        self.buffer, self.shared, self.plan, self.unit = buffer, shared, plan, plan.unit
        self.held: AuditedRow | None = None
        self.making: AuditedRow | None = None
        self.editions = 1
        self.years: set[int] = set()
        self.renewals: list[EnrollmentFact] = []
        self._rows: list[AuditedRow] = []
        self.person = self._enter()

    def close(self) -> None:
        """Buffer the final rows of the person, and the projection of the training need."""
        self._need()
        for row in self._rows:
            row.close()

    def keep(self, row: AuditedRow) -> AuditedRow:
        """Keep a row until ``close``."""
        self._rows.append(row)
        return row

    def facts(self, day: date) -> training_need.Facts:
        """Collect the facts of the training need on a day, by the domain's rules."""
        rules = [
            Rule(row["issued_on"], row["valid_to"], CertificateState(row["state"]), row["number"], row["edition"])
            for row in (self.held, self.making)
            if row is not None
        ]
        return training_need.facts(day, rules, self.renewals, self.years)

    def _enter(self) -> AuditedRow:
        plan, record = self.plan, self.plan.record
        form, entered_on = FormReader(record), civil_date(plan.entered_at)
        identity = parse_resident_id(record["id_number"], entered_on)
        legacy = dict(zip(("legacy_number", "legacy_issued_on", "legacy_valid_to"), plan.legacy or (), strict=False))
        photos = self.shared.photos
        return self.keep(
            AuditedRow(
                self.buffer,
                Person,
                plan.entered_at,
                Operation("submit_person", self.unit.user_id),
                name=record["name"],
                **name_keys(record["name"], is_person=True),
                id_type="resident_id",
                id_number_sealed=encrypt(identity.number.encode()),
                id_number_digest=blind_index(identity.number),
                id_number_masked=mask(identity.number),
                sex=identity.sex,
                birth_date=identity.birth_date,
                unit_id=self.unit.id,
                qualification_type_id=self.shared.types[plan.kind][0],
                phone_sealed=encrypt(record["phone"].encode()),
                phone_masked=mask(record["phone"]),
                photo_id=photos[plan.number % len(photos)],
                no_criminal_record=True,
                state="draft",
                **{one.key: form.record_field(one, entered_on) for one in PERSON_FIELDS.plain(Place.FORM)},
                **legacy,
            )
        )

    def approve(self) -> None:
        """Submit the person to the province, which decides (R12); an academy's is approved at once."""
        plan, case = self.plan, self._case(self.plan.entered_at)
        start = CaseInput("start", plan.entered_at, self.unit.user_id, data={"person_id": str(self.person.id)})
        self.person.change(plan.entered_at, case.cause("submit_person", start), case_id=case.id)
        self._move(case, start, "submit_person")
        if case.has_open("approve_person") and plan.decided_at <= self.shared.now:
            is_refused = plan.outcome == "rejected"
            raw = {"decision": "reject", "reason": REJECTED} if is_refused else {"decision": "approve"}
            typed = self.shared.forms["personnel_approval"].clean("approve_person", raw)
            by = self.shared.office(self.unit.code)
            self._move(case, CaseInput("complete", plan.decided_at, by, "approve_person", **typed), "complete")
        case.close()

    def deregister(self, at: datetime) -> None:
        """Deregister the person by the province, with a reason (R17)."""
        data, why = {"person_id": str(self.person.id), "request": "deregister"}, {"reason": LEFT}
        case = self._case(at)
        by = self.shared.office("association" if self.unit.is_academy else self.unit.code)
        self._move(case, CaseInput("start", at, by, data=data, personal=why), "deregister_person")
        case.close()

    def _case(self, at: datetime) -> CaseRun:
        return CaseRun(self.buffer, self.shared.definitions["personnel_approval"], at, str(self.person.id))

    def _move(self, case: CaseRun, given: CaseInput, use_case: str) -> None:
        cause = case.cause(use_case, given)

        def serve(request: Request) -> dict[str, Any]:
            return self._answer(request, given, cause)

        case.move(given, serve, lambda data: self._description())

    def _answer(self, request: Request, given: CaseInput, cause: Operation) -> dict[str, Any]:
        """Answer a topic of personnel_approval and write its rows."""
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
            self.person.change(given.at, cause, state="pending")
        elif topic in ("submit", "approve"):
            self.person.change(given.at, cause, state="approved")
            self._enter_legacy(given, cause)
        elif topic == "reject":
            self.person.change(given.at, cause, state="rejected", decision_comment=REJECTED)
        elif topic == "deregister":
            self.person.change(given.at, cause, state="deregistered", decision_comment=LEFT, case_id=cause.case_id)
        return {}

    def _enter_legacy(self, given: CaseInput, cause: Operation) -> None:
        """Create the certificate from the legacy fields (R21)."""
        if self.plan.legacy is None:
            return
        number, issued_on, valid_to = self.plan.legacy
        self.reserve_number(number)
        self.held = self.keep(
            AuditedRow(
                self.buffer,
                Certificate,
                given.at,
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
                approved_by=given.actor_id,
                approved_at=given.at,
                unit_name=self.unit.name,
            )
        )

    def reserve_number(self, number: str) -> None:
        """Reserve a certificate number for the person for good."""
        self.buffer.add(NumberOwner, number=number, owner=self.person["id_number_digest"])

    def _description(self) -> TaskSubject:
        person, (_, type_name) = self.person, self.shared.types[self.plan.kind]
        return TaskSubject(
            subject=person["name"],
            summary=type_name,
            unit_name=self.unit.name,
            unit_id=self.unit.id,
            authority_id=self.unit.authority_id,
            facts={
                "qualification_type": self.plan.kind,
                "qualification_name": type_name,
                "id_number": person["id_number_masked"],
                "sex": person["sex"],
                "birth_date": person["birth_date"].isoformat(),
                "legacy_number": person.values.get("legacy_number"),
                "has_photo": True,
                "legacy_valid_to": person["legacy_valid_to"].isoformat() if self.plan.legacy else None,
            },
        )

    def _need(self) -> None:
        """Buffer the projection of the need, decided by the table from the facts of today."""
        known, day = self.facts(self.shared.today), self.shared.today
        current = self.held or self.making
        values: dict[str, Any] = {
            "person_id": self.person.id,
            "reference_date": date.fromisoformat(str(known["reference_date"])),
        }
        need = engine.evaluate_decision(self.shared.deciding, "training_need", known)["need"]
        values |= {"need": need, "as_of": day, "valid_to": current["valid_to"] if current else None}
        values |= {name: self.person[name] for name in ("unit_id", "qualification_type_id", "state")}
        values |= {"certificate_id": current.id if current else None, "decision": self.shared.decision}
        self.buffer.add(TrainingNeed, **values)
