"""Bundles changed at random: what a careless hand or an editor may leave behind in diagrams, forms and tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from random import Random
from typing import Any

from lxml import etree

CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
WORDS = ["", "甲", "<b>x</b>", "a" * 300, "${x}", "{{ x }}", "100%", "decision", "True"]
CELLS = ["-", "true", "false", "null", '"initial"', '"x"', "not(true)", "1", '"P5D"', '"association"']
COMPONENTS: list[dict[str, Any]] = [
    {"type": "text", "text": "# 标题\n\n- **粗** [链接](javascript:alert(1))\n- <script>x</script>"},
    {"type": "group", "label": "分组", "components": [{"type": "textfield", "key": "added", "label": "甲"}]},
    {"type": "datetime", "key": "at_time", "subtype": "time", "timeLabel": "时间"},
    {"type": "datetime", "key": "at_instant", "subtype": "datetime", "label": "时刻"},
    {"type": "number", "key": "amount", "label": "金额", "readonly": True, "appearance": {"suffixAdorner": "元"}},
    {"type": "textfield", "key": "mail", "label": "邮箱", "validate": {"validationType": "email"}},
    {"type": "checklist", "key": "several", "label": "几项", "values": [{"value": "a", "label": "甲"}]},
    {
        "type": "dynamiclist",
        "path": "many",
        "label": "明细",
        "components": [
            {"type": "textfield", "key": "what", "label": "名称", "validate": {"required": True}},
            {"type": "number", "key": "count", "label": "数量", "validate": {"min": 1}},
        ],
    },
    {"type": "filepicker", "key": "file", "label": "附件"},
]


def mutants(bundles: Mapping[str, Mapping[str, bytes]], seed: int) -> Iterator[tuple[str, str, dict[str, bytes]]]:
    """Change one file of one bundle after another, for ever: the diagram's name, the file's, the files."""
    random = Random(seed)
    while True:
        main = random.choice(sorted(bundles))
        by_suffix: dict[str, list[str]] = {}
        for name in sorted(bundles[main]):
            by_suffix.setdefault(PurePath(name).suffix, []).append(name)
        file = random.choice(by_suffix[random.choice(sorted(by_suffix))])
        changed = EDITS[PurePath(file).suffix](random, bundles[main][file])
        yield main, file, {**bundles[main], file: changed}


def _form(random: Random, content: bytes) -> bytes:
    form = json.loads(content)
    found = form["components"]
    for _ in range(random.randint(1, 2)):
        one = random.choice(found) if found else {}
        random.choice(_FORM_EDITS)(random, found, one)
    return json.dumps(form, ensure_ascii=False).encode()


def _drop_member(random: Random, found: list[Any], one: dict[str, Any]) -> None:
    holder = random.choice([one, *(value for value in one.values() if isinstance(value, dict) and value)])
    if holder:
        del holder[random.choice(sorted(holder))]


def _add(random: Random, found: list[Any], one: dict[str, Any]) -> None:
    found.insert(random.randint(0, len(found)), json.loads(json.dumps(random.choice(COMPONENTS))))


def _wrap(random: Random, found: list[Any], one: dict[str, Any]) -> None:
    if one in found:
        found[found.index(one)] = {"type": "group", "label": random.choice(WORDS), "components": [one]}


def _word(random: Random, found: list[Any], one: dict[str, Any]) -> None:
    one[random.choice(["label", "description", "defaultValue"])] = random.choice(WORDS)


def _hide(random: Random, found: list[Any], one: dict[str, Any]) -> None:
    keys = [each["key"] for each in found if each.get("key")]
    if keys:
        one["conditional"] = {"hide": f'={random.choice(keys)} = "{random.choice(["a", "approve", ""])}"'}


def _lock(random: Random, found: list[Any], one: dict[str, Any]) -> None:
    one[random.choice(["readonly", "disabled"])] = True


def _retype(random: Random, found: list[Any], one: dict[str, Any]) -> None:
    one["type"] = random.choice(["textfield", "textarea", "number", "checkbox", "text", "datetime"])


_FORM_EDITS: list[Callable[[Random, list[Any], dict[str, Any]], None]] = [
    _drop_member,
    _add,
    _wrap,
    _word,
    _hide,
    _lock,
    _retype,
]


def _diagram(random: Random, content: bytes) -> bytes:
    root = etree.fromstring(content)
    nodes = [node for node in root.iter("{*}*") if node.get("id") and "BPMN/20100524/MODEL" in node.tag]
    camunda = [node for node in nodes if any(name.startswith(CAMUNDA) for name in node.attrib)]
    node = random.choice(camunda or nodes)
    choice = random.random()
    if choice < 0.3:
        random.choice(nodes).set("name", random.choice(WORDS))
    elif choice < 0.6:
        del node.attrib[random.choice(sorted(name for name in node.attrib if name.startswith(CAMUNDA)))]
    elif choice < 0.8:
        random.choice(camunda).set(CAMUNDA + "dueDate", random.choice(["P1D", "PT1H", "2027-01-01T00:00:00"]))
    else:
        properties = list(root.iter(CAMUNDA + "property"))
        if properties:
            one = random.choice(properties)
            one.set("value", random.choice(["1", '"x"', "person_id", "None", "class_id"]))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _table(random: Random, content: bytes) -> bytes:
    root = etree.fromstring(content)
    rules = list(root.iter("{*}rule"))
    if random.random() < 0.3:
        rule = random.choice(rules)
        rule.getparent().remove(rule)
    else:
        entries = [entry for rule in rules for entry in rule.iter("{*}text")]
        random.choice(entries).text = random.choice(CELLS)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


EDITS: dict[str, Callable[[Random, bytes], bytes]] = {".form": _form, ".bpmn": _diagram, ".dmn": _table}
