"""The only importer of SpiffWorkflow: read a bundle, run it as a function, keep its journal, replay it."""

from service.engine.definition import Definition, read
from service.engine.engine import decide, step
from service.engine.kernel.canonical_json import canonical
from service.engine.kernel.types import (
    BpmnError,
    Call,
    Data,
    Element,
    Input,
    Job,
    Moment,
    NoPlace,
    NoResult,
    Problem,
    Request,
    Sent,
    Serve,
    Step,
    StepFailed,
    UserTask,
)
from service.engine.kernel.xml_reader import References, references
from service.engine.state import shape
from service.engine.validation.validator import check

__all__ = [
    "BpmnError",
    "Call",
    "Data",
    "Definition",
    "Element",
    "Input",
    "Job",
    "Moment",
    "NoPlace",
    "NoResult",
    "Problem",
    "References",
    "Request",
    "Sent",
    "Serve",
    "Step",
    "StepFailed",
    "UserTask",
    "canonical",
    "check",
    "decide",
    "read",
    "references",
    "shape",
    "step",
]
