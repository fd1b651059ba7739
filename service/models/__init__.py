"""Tables with their own queries, and ``transaction()``. What lives here knows rows, not roles' pages nor diagrams."""

from service.models.audit import Attempt, AuditEvent, RowChange
from service.models.base import Cause, MovingClock, db, new_id, now, session, today, transaction, use_clock
from service.models.case import Case, Incident, Job, JournalRow, PersonalValue, Submission, Task
from service.models.certificate import Certificate, CertificateSerial, NumberOwner, PrintRecord
from service.models.export import ExportLog
from service.models.mail import Mail
from service.models.notice import Attachment, Notice, Receipt
from service.models.organisation import AcademyLink, Organisation, authority_id
from service.models.person import Person, Photo, QualificationType
from service.models.person_import import ImportPhoto, PersonImport
from service.models.print_batch import PrintBatch
from service.models.process import DefinitionFile, DefinitionVersion, DeploymentFault
from service.models.reissue import Reissue
from service.models.setting import Setting
from service.models.ticket import Ticket, TicketFile, TicketMessage, TicketSerial
from service.models.training import Enrollment, RefresherRecord, Score, TrainingClass, TrainingNeed, TrainingPlan
from service.models.user import FormerPassword, User

from service.models import need_marks as need_marks  # isort: skip  (its listener must be in place)

__all__ = [
    "AcademyLink",
    "Attachment",
    "Attempt",
    "AuditEvent",
    "Case",
    "Cause",
    "Certificate",
    "CertificateSerial",
    "DefinitionFile",
    "DefinitionVersion",
    "DeploymentFault",
    "Enrollment",
    "ExportLog",
    "FormerPassword",
    "ImportPhoto",
    "Incident",
    "Job",
    "JournalRow",
    "Mail",
    "MovingClock",
    "Notice",
    "NumberOwner",
    "Organisation",
    "Person",
    "PersonImport",
    "PersonalValue",
    "Photo",
    "PrintBatch",
    "PrintRecord",
    "QualificationType",
    "Receipt",
    "RefresherRecord",
    "Reissue",
    "RowChange",
    "Score",
    "Setting",
    "Submission",
    "Task",
    "Ticket",
    "TicketFile",
    "TicketMessage",
    "TicketSerial",
    "TrainingClass",
    "TrainingNeed",
    "TrainingPlan",
    "User",
    "authority_id",
    "db",
    "new_id",
    "now",
    "session",
    "today",
    "transaction",
    "use_clock",
]
