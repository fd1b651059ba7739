"""The subject of each process: whose state its diagram says, and what follows when one is written (decision 22)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError

from service.domain.certificates.certificates import CertificateState
from service.domain.certificates.reissues import ReissueState
from service.domain.notices.tickets import TicketState
from service.domain.persons.corrections import CorrectionState
from service.domain.persons.persons import PersonState
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.values.labelled_enum import Labelled
from service.engine import Reached, StepError
from service.errors import N_, InvalidInput, Message, NotFound
from service.models.db.session import Base, session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, TrainingClass
from service.operations.context import Context
from service.operations.enrollments import load_enrollment, write_enrollment_state
from service.validation.typed_text import as_id


def _write(row: Any, to: Labelled, stage: str | None, context: Context) -> None:
    """stage: the diagram's own name of the state."""
    row.state, row.stage = to, stage


def _write_certificate(row: Any, to: Labelled, stage: str | None, context: Context) -> None:
    """A certificate is verified by the public: no diagram names its states."""
    row.state = to


def _write_ticket(row: Any, to: Labelled, stage: str | None, context: Context) -> None:
    row.closed_at = (row.closed_at or context.at) if to is TicketState.CLOSED else None
    _write(row, to, stage, context)


class Subject(NamedTuple):
    """states: those that rules know; variable: of the case, with the id of its row.

    is_made_by_case: the row belongs to the case alone.
    """

    states: type[Labelled]
    variable: str
    table: type[Base]
    write: Callable[[Any, Any, str | None, Context], None] = _write
    load: Callable[[dict[str, Any]], Any] | None = None
    is_made_by_case: bool = True

    @property
    def is_named(self) -> bool:
        """Tell whether a diagram may give its states names of its own."""
        return hasattr(self.table, "stage")


SUBJECTS: dict[str, Subject] = {
    "personnel_approval": Subject(PersonState, "person_id", Person, is_made_by_case=False),
    "training_enrollment": Subject(
        EnrollmentState, "enrollment_id", Enrollment, write_enrollment_state, load_enrollment
    ),
    "training_class": Subject(ClassState, "class_id", TrainingClass),
    "certificate_deregistration": Subject(
        CertificateState, "certificate_id", Certificate, _write_certificate, is_made_by_case=False
    ),
    "certificate_reissue": Subject(ReissueState, "reissue_id", Reissue),
    "identity_correction": Subject(CorrectionState, "correction_id", IdentityCorrection),
    "support_ticket": Subject(TicketState, "ticket_id", Ticket, _write_ticket),
}


VARIABLES = frozenset(subject.variable for subject in SUBJECTS.values())
FIXED = N_("“%(name)s”指明案卷办的是哪一件，只由流程自己写入，不能从外面改。")


def keep_subject(process: str, kind: str, data: Mapping[str, Any]) -> None:
    """Raise InvalidInput where an input would put another subject under a case: its state would be written.

    A mend changes the subject of no process; other inputs may use such a name where it is not that of their own.
    """
    if kind == "start":
        return
    own = {SUBJECTS[process].variable} if process in SUBJECTS else set()
    values, kept = (data.get("values", {}), VARIABLES) if kind == "variables" else (data, own)
    if names := sorted(kept & set(values)):
        raise InvalidInput({"variable" if kind == "variables" else name: Message(FIXED, name=name) for name in names})


def write_state(context: Context, data: dict[str, Any], reached: Reached) -> None:
    """Write the state that the diagram says the subject is in; a case that ends before it has a row has none.

    Raises StepError for a state that rules do not know, or that contradicts what is stored; NotFound for a row that
    another case has made.
    """
    subject = SUBJECTS.get(context.process)
    if subject is None or not data.get(subject.variable):
        return
    try:
        state = subject.states(reached.state)
    except ValueError as error:
        raise StepError(f"没有状态“{reached.state}”。") from error
    row: Any = subject.load(data) if subject.load else session().get(subject.table, as_id(data[subject.variable]))
    if row is None:
        return
    if subject.is_made_by_case and row.case_id != context.case_id:
        raise NotFound
    subject.write(row, state, reached.name, context)
    try:
        session().flush()
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "table_name", None) != subject.table.__tablename__:
            raise
        raise StepError(f"状态“{state.label}”与登记的内容矛盾，流程图在这里不能设这个状态。") from error
