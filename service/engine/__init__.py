"""The only importer of SpiffWorkflow: read a bundle, run it as a function, keep its journal, replay it."""

from service.engine.definition import Definition, digest_of, process_of, read_definition
from service.engine.engine import evaluate_decision, standing, step, undo
from service.engine.kernel.canonical_json import canonical
from service.engine.kernel.diagram_reader import references
from service.engine.kernel.types import (
    BpmnError,
    Data,
    Element,
    Input,
    Job,
    MendRefused,
    MigrationRefused,
    MissingRecordedResult,
    Reached,
    ReplayFrame,
    Request,
    ServiceCall,
    StaleToken,
    Step,
    StepError,
    ThrownEvent,
    TopicHandler,
    UserTask,
    ValidationIssue,
)
from service.engine.kernel.xml_reader import LIMITS as FILE_LIMITS
from service.engine.kernel.xml_reader import MAX_BYTES as MAX_FILE_BYTES
from service.engine.kernel.xml_reader import References, text_of
from service.engine.kernel.xml_reader import parse as parse_xml
from service.engine.mending import Standing
from service.engine.migration import Plan, migrated, name_of, places, problems_of_plan, propose
from service.engine.state import shape
from service.engine.validation.resolution.vocabulary import (
    DecisionUse,
    Process,
    SentMessage,
    Topic,
    Vocabulary,
    names_in,
)
from service.engine.validation.validator import examine, validate

__all__ = [
    "FILE_LIMITS",
    "MAX_FILE_BYTES",
    "BpmnError",
    "Data",
    "DecisionUse",
    "Definition",
    "Element",
    "Input",
    "Job",
    "MendRefused",
    "MigrationRefused",
    "MissingRecordedResult",
    "Plan",
    "Process",
    "Reached",
    "References",
    "ReplayFrame",
    "Request",
    "SentMessage",
    "ServiceCall",
    "StaleToken",
    "Standing",
    "Step",
    "StepError",
    "ThrownEvent",
    "Topic",
    "TopicHandler",
    "UserTask",
    "ValidationIssue",
    "Vocabulary",
    "canonical",
    "digest_of",
    "evaluate_decision",
    "examine",
    "migrated",
    "name_of",
    "names_in",
    "parse_xml",
    "places",
    "problems_of_plan",
    "process_of",
    "propose",
    "read_definition",
    "references",
    "shape",
    "standing",
    "step",
    "text_of",
    "undo",
    "validate",
]
