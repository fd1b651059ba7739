"""The verdict on one conformance model: right, rejected, wrong or crashed.

Runs in a process of its own, see conformance.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from dataclasses import dataclass

from service.engine.conformance import compatibility_kit
from service.engine.conformance.cases import FUNCTIONS, drive, tokens_of
from service.engine.conformance.manifest import Expected, Model
from service.engine.conformance.wait_rewriter import with_timers
from service.engine.kernel.types import ValidationIssue
from service.engine.validation.validator import validate
from service.errors import DefinitionRefused

SECONDS_TO_REFUSE = 5.0  # of CPU time; a slower refusal counts as a crash
REFUSED = {"ERROR_deployment", "ERROR"}
FAILED = {"ERROR_runtime", "ERROR"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """right | rejected | wrong | crashed, and why in one line; ``ran``: it was executed, not refused."""

    kind: str
    why: str = ""
    ran: bool = False

    @property
    def counts_as(self) -> str:
        """The column of the summary: what is right has run, or had to be refused."""
        return {True: "ran", False: "refused"}[self.ran] if self.kind == "right" else self.kind


def judge(model: Model) -> Verdict:
    """The verdict on a model; whatever it raises is a crash."""
    try:
        if model.kit_case is not None:
            return _on_kit_case(model, model.kit_case)
        began = time.process_time()
        file = model.path.name if model.path.suffix == ".bpmn" else f"{model.path.name}.bpmn"
        files = {file: with_timers(model.path.read_bytes(), file)}
        problems = validate(files, deployment_rules=False, functions=FUNCTIONS)
        took = time.process_time() - began
        if problems and took > SECONDS_TO_REFUSE:
            return Verdict("crashed", f"refused only after {took:.1f} s of CPU time")
        return _on_refusal(model, problems) if problems else _on_running(model, files)
    except DefinitionRefused as refused:
        return _on_refusal(model, list(refused.problems))
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Verdict(
            "crashed", f"{type(error).__name__}: {error} ({last.name}:{last.lineno})".replace("\n", " ")[:300]
        )


def _on_kit_case(model: Model, place: int) -> Verdict:
    try:
        difference = compatibility_kit.differences(model.path, place)
    except compatibility_kit.Unsupported as refused:
        return Verdict("rejected", str(refused))
    return Verdict("wrong" if difference else "right", difference, ran=True)


def _on_refusal(model: Model, problems: list[ValidationIssue]) -> Verdict:
    if leak := _leak(model, " ".join(problem.text("en") + problem.text("zh") for problem in problems)):
        return Verdict("wrong", f"the refusal shows {leak}")
    if model.expected is not None:
        wanted = model.expected.may_refuse
    else:
        wanted = all(REFUSED & set(trial.expected) for trial in model.trials)
    return Verdict("right" if wanted else "rejected", problems[0].text("en"))


def _leak(model: Model, said: str) -> str:
    return next((leak for leak in model.leaks if leak in said), "")


def _on_running(model: Model, files: dict[str, bytes]) -> Verdict:
    return _driven(model, model.expected, files) if model.expected is not None else _trials(model, files)


def _driven(model: Model, expected: Expected, files: dict[str, bytes]) -> Verdict:
    ended, incident, faults = drive(files)
    if leak := _leak(model, incident):
        return Verdict("wrong", f"the incident shows {leak}")
    if not expected.may_run:
        return Verdict("wrong", "accepted, though it breaks the standard")
    if faults:
        return Verdict("wrong", f"journal: {faults[0]}")
    if expected.must_fail and not incident:
        return Verdict("wrong", "ran where it had to be stopped")
    if expected.must_end and not ended:
        return Verdict("wrong", f"did not run to the end {incident}")
    return Verdict("right", f"incident: {incident}" if incident else "ran to the end" if ended else "waits", ran=True)


def _trials(model: Model, files: dict[str, bytes]) -> Verdict:
    for trial in model.trials:
        tokens, faults = tokens_of(files, model.process, trial)
        if not agrees(tokens, trial.expected):
            got = " ".join(tokens) or "nothing"
            return Verdict("wrong", f"{trial.data}: expected {' '.join(trial.expected) or 'nothing'}, got {got}")
        if faults:
            return Verdict("wrong", f"journal: {faults[0]}")
    return Verdict("right", f"{len(model.trials)} cases", ran=True)


def agrees(tokens: list[str], expected: tuple[str, ...]) -> bool:
    """Tell whether tokens are the multiset expected, with the special tokens of the manifest's README."""
    got, wanted = Counter(_without_parallel(tokens, expected)), Counter(expected)
    if got["MARKER_exists"]:  # asked only where a case names it, and then whether it is there
        got["MARKER_exists"] = 1 if wanted["MARKER_exists"] else 0
    if wanted["ERROR"] and not got["ERROR"]:
        got = Counter({"ERROR" if token in FAILED else token: n for token, n in got.items()})
    return +got == +wanted


def _without_parallel(tokens: list[str], expected: tuple[str, ...]) -> list[str]:
    """``PAR1_*`` and ``PAR2_*`` become the token EXECUTION_parallel when they overlapped."""
    if "EXECUTION_parallel" not in expected:
        return tokens
    first, second = ([n for n, token in enumerate(tokens) if token.startswith(f"PAR{k}_")] for k in (1, 2))
    overlap = first and second and first[0] < second[-1] and second[0] < first[-1]
    others = [token for token in tokens if not token.startswith(("PAR1_", "PAR2_"))]
    return [*others, "EXECUTION_parallel"] if overlap else others
