"""OMG's compatibility kit for DMN: its test cases read as they are, each decided by the models of production."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from service.engine.dmn.model import Decision, Model, Requirement, Run
from service.engine.dmn.refusal import child, children, local
from service.engine.feel import temporal
from service.engine.feel.calls import apply_named
from service.engine.feel.lexer import plain_name
from service.engine.feel.temporal import DateTime, Time
from service.engine.feel.values import FeelError, Scope, Value, text_of
from service.engine.kernel.xml_reader import parse

PATTERN = "*-test-*.xml"
TOLERANCE = Decimal("1e-8")  # the kit's own, relative to the number expected
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_NUMBERS = frozenset(["decimal", "double", "float", "integer", "int", "long", "short"])


class Unsupported(Exception):
    """A decision that the case needs is refused when the model is read; the reason, and the line."""


def cases_in(path: Path) -> list[str]:
    """The ids of the test cases of one file of the kit."""
    found = [node for node in _root(path).iter() if local(node) == "testCase"]
    return [node.get("id") or node.get("name") or str(place) for place, node in enumerate(found, 1)]


def differences(path: Path, place: int) -> str:
    """The first result of a test case that is not the expected one; empty where all are.

    Raises Unsupported, and DefinitionRefused for a file that is no decision model.
    """
    root = _root(path)
    case = [node for node in root.iter() if local(node) == "testCase"][place]
    model = _model(path.parent / (child(root, "modelName").text or "").strip())
    inputs = {plain_name(node.get("name")): _value(node) for node in children(case, "inputNode")}
    for node in children(case, "resultNode"):
        wanted, got = _value(child(node, "expected")), _result(model, case, node, inputs)
        if not agrees(wanted, got):
            return f"{node.get('name')}: expected {text_of(wanted, inside=True)}, got {text_of(got, inside=True)}"
    return ""


@lru_cache(maxsize=4)
def _root(path: Path) -> Any:
    return parse(path.read_bytes(), path.name)


@lru_cache(maxsize=4)
def _model(path: Path) -> Model:
    return Model(path.read_bytes(), path.name)


def _result(model: Model, case: Any, node: Any, inputs: dict[str, Value]) -> Value:
    """The value decided; the kit knows no error but null, so that one that fails is null."""
    invoked = case.get("invocableName") if case.get("type") in ("bkm", "decisionService") else None
    names = [made.name for made in model.made.values() if isinstance(made, Requirement)]
    run = Run({**dict.fromkeys(names), **inputs})
    try:
        if invoked is None:
            decision: Decision = _made(model, node.get("name"), "decision")
            return decision.value(run)
        called: Requirement = _made(model, invoked, "businessKnowledgeModel", "decisionService")
        function = called.provide(run)
        arguments = {name: inputs.get(name) for name in function.parameters}
        value = apply_named(function, arguments, Scope({}, run.budget))
        name = plain_name(node.get("name"))
        return value[name] if isinstance(value, dict) and name in value else value
    except FeelError:
        return None


def _made(model: Model, name: str, *kinds: str) -> Any:
    for identity, node in model.nodes.items():
        if local(node) in kinds and plain_name(node.get("name") or "") == plain_name(name):
            if identity in model.made:
                return model.made[identity]
            refused = model.refused[identity][0]
            raise Unsupported(f"{model.file}:{refused.line} {identity}: {refused.en}")
    raise Unsupported(f"{model.file}: there is no {kinds[0]} {name}")


def _value(node: Any) -> Value:
    """A value in the kit's XML."""
    if node is None:
        return None
    if components := children(node, "component"):
        return {plain_name(each.get("name")): _value(each) for each in components}
    if (listed := child(node, "list")) is not None:
        is_nil = any(name.endswith("}nil") and value == "true" for name, value in listed.attrib.items())
        return None if is_nil else [_value(item) for item in children(listed, "item")]
    found = child(node, "value")
    if found is None or any(name.endswith("}nil") and value == "true" for name, value in found.attrib.items()):
        return None
    return _typed((found.get(_TYPE) or "xsd:string").rpartition(":")[2], found.text or "")


def _typed(kind: str, text: str) -> Value:
    if kind in _NUMBERS:
        return Decimal(text.strip())
    if kind == "boolean":
        return text.strip() in ("true", "1")
    readers = {"date": temporal.read_date, "time": temporal.read_time, "dateTime": temporal.read_date_time}
    if kind in readers:
        return readers[kind](text.strip())
    return temporal.read_duration(text.strip()) if "uration" in kind else text


def agrees(wanted: Value, got: Value) -> bool:
    """Tell whether a value is the one expected: numbers within the kit's tolerance, times by instant."""
    if type(wanted) is not type(got):
        return False
    if isinstance(wanted, Decimal):
        return abs(wanted - got) <= TOLERANCE * max(Decimal(1), abs(wanted))
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(map(agrees, wanted, got))
    if isinstance(wanted, dict):
        return wanted.keys() == got.keys() and all(agrees(value, got[key]) for key, value in wanted.items())
    if isinstance(wanted, DateTime):
        return (wanted.instant, wanted.time.zone is None) == (got.instant, got.time.zone is None)
    if isinstance(wanted, Time) and wanted.zone and got.zone:
        return bool(str(wanted) == str(got))
    return bool(wanted == got)
