"""The panel of the studio offers every property that the gate accepts, or says why it does not."""

from __future__ import annotations

import json
import re

from service.config import CHECKOUT
from service.engine.validation import allow_list
from service.infrastructure.translation import catalogue_english
from service.web.presenters.panels import studio_panel
from service.web.presenters.panels.studio_panel import CHILDREN, NOT_OFFERED, NOT_SHOWN, PARTS, SHOWN

GUIDE = (CHECKOUT / "docs" / "guide-process-administrators.md").read_text()
TOOLS = CHECKOUT / "service" / "static" / "words" / "tools.zh.json"
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


def test_the_english_recipe_quotes_the_labels_of_the_chinese_one_in_english() -> None:
    """What the browser test follows in Chinese can be followed on English pages."""
    chinese, english = (
        re.findall("“(.+?)”", GUIDE.partition(begins)[2].partition(ends)[0])
        for begins, ends in (("#### 在浏览器里加一道复核\n", "\n#"), ("(在浏览器里加一道复核)", "\n"))
    )
    tools = {label: text for text, label in json.loads(TOOLS.read_text()).items()}
    assert len(chinese) == len(english) > 20
    for label, text in zip(chinese, english, strict=True):
        known = {
            catalogue_english(label),
            tools.get(label),
            {"更改类型": "Change element", "试运行": "Try-out"}.get(label),
        }
        assert text in known, (label, text, known)
