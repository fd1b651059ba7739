"""The only importer of SpiffWorkflow: read a bundle, run it as a function, keep its journal, replay it."""

from service.engine.canon import canonical
from service.engine.definition import Definition, read
from service.engine.gate import check
from service.engine.read import References, references
from service.engine.run import decide, step
from service.engine.state import shape
from service.engine.values import (
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
)  # fmt: skip

__all__ = [
    "BpmnError", "Call", "Data", "Definition", "Element", "Input", "Job", "Moment", "NoPlace", "NoResult", "Problem", "References",
    "Request", "Sent", "Serve", "Step", "StepFailed", "UserTask", "canonical", "check", "decide", "read", "references", "shape", "step",
]  # fmt: skip
