"""Data associations of an activity as copies between variables: a data object, property or store is the variable of its
name, or of its id where the name is no name of a variable (BPMN 2.0 §10.4.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.engine.kernel.types import Data
from service.engine.kernel.xml_reader import BPMN

ITEM_AWARE = (
    "dataObject",
    "dataObjectReference",
    "dataStore",
    "dataStoreReference",
    "property",
    "dataInput",
    "dataOutput",
)
"""Elements that hold data."""

PLACEHOLDER = "__targetRef_placeholder"  # drawn by Camunda's modeler where the activity has no input of its own
VARIABLE = re.compile(r"[A-Za-z_]\w{0,99}")


def copies(node: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Copies into an activity and out of it: target variable → source variable."""
    return _pairs(node, "dataInputAssociation"), _pairs(node, "dataOutputAssociation")


def carried_in(copies_: Mapping[str, str], seen: Data) -> Data:
    """The variables that associations copy of those seen; what has no value yet is not copied."""
    return {target: seen[source] for target, source in copies_.items() if source in seen}


def carried_out(copies_: Mapping[str, str], seen: Data, given: Data) -> tuple[Data, Data]:
    """The variables that associations copy of what is given and seen; and the rest of it, without outputs."""
    left = {name: value for name, value in given.items() if name not in copies_.values()}
    return carried_in(copies_, {**seen, **given}), left


def _pairs(node: Any, tag: str) -> dict[str, str]:
    found = {}
    for association in node.findall(f"{{{BPMN}}}{tag}"):
        source, target = (_variable(association, end) for end in ("sourceRef", "targetRef"))
        if source and target and source != target and PLACEHOLDER not in (source, target):
            found[target] = source
    return found


def _variable(association: Any, end: str) -> str | None:
    """The variable of what an association refers to; None for what has no fitting name."""
    text = (association.findtext(f"{{{BPMN}}}{end}") or "").strip().rpartition(":")[2]
    element = _by_id(association, text)
    if element is None:
        return None
    meant = _by_id(element, element.get("dataObjectRef") or element.get("dataStoreRef") or "")
    known = [one.get(key) for one in (meant, element) if one is not None for key in ("name", "id")]
    return next((name for name in known if name and VARIABLE.fullmatch(name)), None)


def _by_id(within: Any, identity: str) -> Any | None:
    if not identity:
        return None
    found = within.getroottree().xpath("//*[@id=$wanted]", wanted=identity)
    return found[0] if found else None
