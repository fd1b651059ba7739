"""The panel of the studio offers every property that the gate accepts, or says why it does not."""

from __future__ import annotations

from service.engine.validation import allow_list
from service.web.presenters.panels import studio_panel
from service.web.presenters.panels.studio_panel import CHILDREN, NOT_OFFERED, NOT_SHOWN, PARTS, SHOWN

OF_PARTS = {"id", "name"}
"""What a definition, a loop or an error is known by: chosen with it."""


def test_every_property_that_the_gate_accepts_is_offered_or_has_a_reason() -> None:
    offered = {
        element: {field["name"].removeprefix("camunda:") for field in fields}
        for element, fields in studio_panel.offered().items()
    }
    accepted = set(allow_list.ELEMENTS)
    assert accepted == {*SHOWN, *PARTS, *NOT_SHOWN}
    assert not {*SHOWN, *PARTS} & NOT_SHOWN.keys()
    for element in (*SHOWN, *PARTS):
        names = studio_panel.names_of(element)
        left = names - offered[element] - NOT_OFFERED.keys() - (OF_PARTS if element in PARTS else set())
        assert left <= ({"instantiate"} if element == "eventBasedGateway" else set()), (element, left)
        assert offered[element] <= names | {"documentation"}, element
    used = {name for element in (*SHOWN, *PARTS) for name in studio_panel.names_of(element)}
    assert NOT_OFFERED.keys() <= used, "a reason for what the gate does not accept"
    assert {child for names in CHILDREN.values() for child in names} <= accepted


def test_a_text_in_chinese_stands_before_its_text_in_english() -> None:
    for element, fields in studio_panel.offered().items():
        names = [field["name"] for field in fields]
        for name in names:
            if name.endswith("_en"):
                assert names.index(name) == names.index(name.removesuffix("_en")) + 1, element
