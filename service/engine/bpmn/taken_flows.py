"""The sequence flows that tokens took, told from their moves between specifications, those drawn in among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from service.engine.bpmn.expansion import BEFORE, QUANTITY_NAME

Move = tuple[str, str]
"""The names of two specifications: a token left the first and reached the second."""

_SPLIT = ".BoundaryEventSplit"  # SpiffWorkflow's, before an activity with events on its border
_OWN, _FLOW = "", "[flow]"
_BEFORE_IT = frozenset([BEFORE, QUANTITY_NAME, _SPLIT])


def taken_flows(moves: Iterable[Move], flows: Mapping[Move, str]) -> list[str]:
    """List the ids of the flows, in the order they were taken. flows: ids by the elements that they join."""
    found = []
    for source, target in moves:
        (left, behind), (reached, before) = _parted(source), _parted(target)
        if before == _FLOW:  # what parts two flows between the same elements bears the id of its own
            found.append(reached)
        elif left == reached and (behind in _BEFORE_IT or before not in (_OWN, *_BEFORE_IT)):
            continue  # from what is drawn in to what it stands for
        elif flow := flows.get((left, reached)):
            found.append(flow)
    return found


def _parted(name: str) -> tuple[str, str]:
    """The element that a specification stands for, and what it is of it."""
    if name.endswith(_SPLIT):
        return name.removesuffix(_SPLIT), _SPLIT
    element, _, what = name.partition(" ")
    return element, what
