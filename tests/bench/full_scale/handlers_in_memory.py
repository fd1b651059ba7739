"""Handlers of training_enrollment without a database: the same answers, and the rows they write.

A change of ``service.handlers`` must be repeated here; tests/process/test_full_demonstration.py compares the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from service.domain.certificates import certificate_number
from service.domain.certificates.certificates import initial_valid_to, renewed_valid_to
from service.domain.training import enrollments, scores
from service.domain.training.classes import (
    confirm_until,
    confirmation_lapses_at,
    confirmation_warning_at,
    refresher_year,
)
from service.domain.training.enrollment_state import LIVE_STATES, EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import EnrollmentFact
from service.domain.values.calendar import DAY, civil_date, start_of_day
from service.engine import Request
from service.models.db.transaction import Operation
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.training.training import Enrollment, RefresherRecord, Score
from service.operations.certificates import FIRST_PRINT
from service.operations.context import TaskSubject
from service.operations.enrollment_subject import subject_from_row
from tests.bench.full_scale.bulk_copy import AuditedRow
from tests.bench.full_scale.case_run import CaseInput
from tests.bench.full_scale.person_history import PersonHistory
from tests.bench.full_scale.plan import ClassPlan

_S = EnrollmentState
PASS_MARK = scores.DEFAULT_PASS_MARK
Data = dict[str, Any]


class InMemoryHandlers:
    """Handlers of one case; ``at`` sets the input that they serve."""

    def __init__(self, history: PersonHistory, planned: ClassPlan, serial: int) -> None:
        self._history, self._class, self._serial = history, planned, serial
        self._scores: dict[int, AuditedRow] = {}
        self._certificate: AuditedRow | None = None
        self._row: AuditedRow | None = None

    def at(self, given: CaseInput, cause: Operation) -> InMemoryHandlers:
        """Set the input to serve."""
        self._input, self._cause, self._today = given, cause, civil_date(given.at)
        return self

    def answer(self, request: Request) -> Data:
        """Answer a topic: by the method of the handler's name, or by a change of state alone."""
        name = request.topic.partition(".")[2]
        if name in _MOVES:
            self._move(_MOVES[name], self._said.get("reason") if name in ("withdraw", "cancel") else None)
            return {}
        found: Data = getattr(self, f"_{name}")(request.data)
        return found

    def describe(self, data: Data) -> TaskSubject:
        """Describe the enrolment as ``operations.enrollment_subject`` does from the database."""
        history, planned, certificate = self._history, self._class, self._certificate
        code = history.plan.kind
        row = SimpleNamespace(
            person_name=history.person["name"],
            id_number_masked=history.person["id_number_masked"],
            sex=history.person["sex"],
            photo_id=history.person["photo_id"],
            unit_name=history.unit.name,
            type_code=code,
            type_name=history.shared.types[code][1],
            id=planned.id,
            kind=planned.kind,
            title=planned.title,
            code=planned.code,
            starts_on=planned.starts_on,
            ends_on=planned.ends_on,
            pass_mark=PASS_MARK,
            institution_id=self._institution,
            organiser_id=self._organiser,
            number=certificate and certificate["number"],
            issued_on=certificate and certificate["issued_on"],
            valid_to=certificate and certificate["valid_to"],
            printed_count=certificate and certificate.values.get("printed_count", 0),
        )
        return subject_from_row(row, data)

    @property
    def _institution(self) -> Any:
        return self._history.shared.institutions[self._class.institution][0]

    @property
    def _organiser(self) -> Any:
        return self._history.shared.authority(self._class.organiser)

    @property
    def _said(self) -> Mapping[str, str]:
        """The personal texts of the input that is served: case data refer to them only."""
        return self._input.personal

    @property
    def _enrollment(self) -> AuditedRow:
        assert self._row is not None
        return self._row

    def _gather_facts(self, data: Data) -> Data:
        planned, unit = self._class, self._history.unit
        last_day = max(self._today, confirm_until(planned.starts_on))
        return {
            "unit_id": str(unit.id),
            "authority_id": str(unit.authority_id) if unit.authority_id else None,
            "institution_id": str(self._institution),
            "organiser_id": str(self._organiser),
            "kind": planned.kind,
            "is_academy": unit.is_academy,
            "needs_confirmation": not unit.is_academy,
            "pass_mark": PASS_MARK,
            "makeup_allowed": True,
            "enrolled_on": self._today.isoformat(),
            "attempt": 1,
            "confirm_until": last_day.isoformat(),
            "confirm_by": f"{last_day}T18:00:00",
            "warn_at": confirmation_warning_at(last_day).isoformat(),
            "lapse_at": confirmation_lapses_at(last_day).isoformat(),
            "check_in_from": start_of_day(planned.starts_on - DAY).isoformat(),
            "check_in_by": f"{planned.ends_on}T18:00:00",
            **self._history.facts(self._today),
        }

    def _register(self, data: Data) -> Data:
        history, unit = self._history, self._history.unit
        if data["need"] != self._class.kind:
            raise ValueError(f"planned {self._class.kind}, decided {data['need']}: {data}")
        snapshot = {
            "unit_id": str(unit.id),
            "unit_name": unit.name,
            "authority_id": data["authority_id"],
            "qualification_type": history.plan.kind,
            "need": data["need"],
            "valid_to": data["valid_to"],
            "reference_date": data["reference_date"],
        }
        self._row = history.keep(
            AuditedRow(
                history.buffer,
                Enrollment,
                self._input.at,
                self._cause,
                class_id=self._class.id,
                person_id=history.person.id,
                unit_id=unit.id,
                authority_id=unit.authority_id,
                via=data["via"],
                enrolled_by=self._input.actor_id,
                enrolled_on=self._today,
                kind=self._class.kind,
                needs_confirmation=data["needs_confirmation"],
                case_id=self._cause.case_id,
                snapshot=snapshot,
            )
        )
        self._row.change(self._input.at, self._cause, state=_S.CONFIRMED if unit.is_academy else _S.PENDING)
        self._note_renewal()
        return {"enrollment_id": str(self._row.id)}

    def _warn_authority(self, data: Data) -> Data:
        return {}  # the notice is left out

    def _reject(self, data: Data) -> Data:
        self._move(_S.REJECTED, self._said["reason"] if data.get("decision") == "reject" else str(enrollments.LAPSED))
        return {}

    def _record_score(self, data: Data) -> Data:
        value, attempt = None if data.get("absent") else data["score"], data["attempt"]
        values = {"value": value, "entered_by": self._input.actor_id, "submitted_at": self._input.at}
        if attempt in self._scores:
            self._scores[attempt].change(self._input.at, self._cause, **values)
        else:
            self._scores[attempt] = self._keep(Score, enrollment_id=self._enrollment.id, attempt=attempt, **values)
        self._move(_S.SCORED, attempts=attempt)
        return {"score": value}

    def _return_score(self, data: Data) -> Data:
        self._scores[data["attempt"]].change(self._input.at, self._cause, return_reason=self._said["reason"])
        self._move(_S.CHECKED_IN)
        return {}

    def _confirm_score(self, data: Data) -> Data:
        score = self._scores[data["attempt"]]
        score.change(
            self._input.at,
            self._cause,
            confirmed_by=self._input.actor_id,
            confirmed_at=self._input.at,
            return_reason=None,
        )
        return {
            "passed": scores.is_pass(score["value"], PASS_MARK),
            "makeup_left": scores.has_makeup(data["attempt"], True),
        }

    def _open_makeup(self, data: Data) -> Data:
        self._move(_S.MAKEUP)
        return {"attempt": 2}

    def _record_refresher(self, data: Data) -> Data:
        held = self._history.held
        assert held is not None
        year = refresher_year(self._class.ends_on)
        self._keep(
            RefresherRecord,
            certificate_id=held.id,
            year=year,
            enrollment_id=self._enrollment.id,
            completed_on=self._today,
            hours=HOURS[self._class.kind],
            score=self._scores[data["attempt"]]["value"],
        )
        self._history.years.add(year)
        self._certificate = held
        self._move(_S.COMPLETED)
        return {"certificate_id": str(held.id), "is_recorded": True}

    def _issue_certificate(self, data: Data) -> Data:
        history = self._history
        values = self._renewed() if self._class.kind == "renewal" else self._first()
        history.making = self._certificate = self._keep(
            Certificate,
            person_id=history.person.id,
            qualification_type_id=history.person["qualification_type_id"],
            kind="issued",
            state="issued",
            approval="pending",
            printed_count=0,
            enrollment_id=self._enrollment.id,
            unit_name=history.unit.name,
            issued_on=self._today,
            **values,
        )
        self._move(_S.CERTIFYING)
        return {"certificate_id": str(history.making.id), "certificate_number": history.making["number"]}

    def _first(self) -> Data:
        unit = self._history.unit
        province = certificate_number.ACADEMIES if unit.is_academy else unit.code
        number = certificate_number.issue(province, self._today.year, self._serial)
        self._history.reserve_number(number)
        self._history.editions = 1
        return {
            "number": number,
            "first_issued_on": self._today,
            "valid_to": initial_valid_to(self._today),
            "edition": 1,
        }

    def _renewed(self) -> Data:
        old = self._history.held
        assert old is not None
        self._history.editions += 1
        return {
            "number": old["number"],
            "first_issued_on": old["first_issued_on"],
            "valid_to": renewed_valid_to(old["valid_to"]),
            "edition": self._history.editions,
            "supersedes_id": old.id,
        }

    def _record_print(self, data: Data) -> Data:
        made = self._made
        why = self._said.get("print_reason") or str(FIRST_PRINT)
        self._keep(PrintRecord, certificate_id=made.id, printed_by=self._input.actor_id, reason=why)
        made.change(
            self._input.at, self._cause, printed_count=made["printed_count"] + 1, last_printed_at=self._input.at
        )
        return {}

    def _approve(self, data: Data) -> Data:
        made, history = self._made, self._history
        if history.held is not None:
            history.held.change(self._input.at, self._cause, state="superseded")
        by = self._input.actor_id
        made.change(
            self._input.at, self._cause, state="valid", approval="approved", approved_by=by, approved_at=self._input.at
        )
        history.held, history.making = made, None
        return {}

    def _refuse(self, data: Data) -> Data:
        self._made.change(self._input.at, self._cause, approval="rejected")
        self._enrollment.change(self._input.at, self._cause, reason=self._said["reason"])
        return {}

    def _stop_printing(self, data: Data) -> Data:
        return {"printed": self._made["printed_count"] > data.get("recovered_prints", 0)}

    def _resubmit(self, data: Data) -> Data:
        self._made.change(self._input.at, self._cause, approval="pending")
        self._enrollment.change(self._input.at, self._cause, reason=None)
        return {"recovered_prints": self._made["printed_count"]}

    def _void(self, data: Data) -> Data:
        self._made.change(self._input.at, self._cause, state="void", void_reason=self._said["reason"])
        self._history.making = None
        self._move(_S.FAILED, self._said["reason"])
        return {}

    @property
    def _made(self) -> AuditedRow:
        assert self._certificate is not None
        return self._certificate

    def _keep(self, model: Any, **values: Any) -> AuditedRow:
        return self._history.keep(AuditedRow(self._history.buffer, model, self._input.at, self._cause, **values))

    def _move(self, to: EnrollmentState, reason: str | None = None, **values: Any) -> None:
        """Write its state as ``operations.enrollments.write_enrollment_state`` does where the diagram says it."""
        row = self._enrollment
        if reason is not None:
            values["reason"] = reason
        if to not in LIVE_STATES:
            values["ended_on"] = self._today
        row.change(self._input.at, self._cause, state=to, **values)
        self._note_renewal()

    def _note_renewal(self) -> None:
        """Remember a live renewal, which keeps an expired certificate from ending (R25)."""
        row = self._enrollment
        is_live = row["kind"] == "renewal" and row["state"] in LIVE_STATES
        state = EnrollmentState(row["state"])
        self._history.renewals = [EnrollmentFact(TrainingKind.RENEWAL, row["enrolled_on"], state)] if is_live else []


HOURS = {"initial": 48, "refresher": 16, "renewal": 16}
_MOVES = {
    "confirm": _S.CONFIRMED,
    "withdraw": _S.WITHDRAWN,
    "cancel": _S.CANCELLED,
    "check_in": _S.CHECKED_IN,
    "record_no_show": _S.NO_SHOW,
    "fail": _S.FAILED,
    "complete": _S.COMPLETED,
}
