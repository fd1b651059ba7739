"""The attributes that a component, or a form, may have: what is not drawn, or written otherwise, is refused by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from service.engine.forms import components
from service.engine.forms.fields import Form

WHETHER = ("readonly", "disabled", "showOutline", "use24h", "isRepeating", "allowAddRemove", "disableCollapse")


MOST_NAMES = 200  # among which the one that was meant is looked for


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that was probably meant; none among so many that comparing would take long."""
    names = list(known)
    return next(iter(difflib.get_close_matches(name, names, 1, 0.75)), None) if len(names) <= MOST_NAMES else None


def did_you_mean(name: str) -> tuple[str, str]:
    """The remedy for a slip in a name."""
    return f"是否应为 {name}？", f"Did you mean {name}?"


def refuse_component(form: Form, each: Mapping[str, Any], kind: str) -> None:
    meant = nearest(kind, components.ATTRIBUTES)
    remedy = components.INSTEAD.get(kind) or (
        did_you_mean(meant)
        if meant
        else (f"可用：{'、'.join(components.ATTRIBUTES)}。", f"Known are {', '.join(components.ATTRIBUTES)}.")
    )
    form.refuse(
        name_of(each),
        f"表单组件“{kind}”不能显示。",
        f'The form component "{kind}" cannot be drawn.',
        remedy,
        is_fatal=True,
    )


def name_of(each: Mapping[str, Any]) -> str:
    return str(each.get("key") or each.get("path") or each.get("id") or "")


def only(form: Form, key: str, given: Mapping[str, Any], known: Iterable[str], where: tuple[str, str]) -> None:
    """Refuse what is not known by name."""
    for name in sorted(set(given) - set(known)):
        meant = nearest(name, known)
        form.refuse(
            key,
            f"{where[0]}的“{name}”不起作用。",
            f'"{name}" of {where[1][0].lower()}{where[1][1:]} is without effect.',
            did_you_mean(meant)
            if meant
            else (f"删去；可用：{'、'.join(sorted(known))}。", f"Remove it; known are {', '.join(sorted(known))}."),
        )


def check_types(form: Form, key: str, given: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Refuse a text, object or list that is written as something else, and leave out what cannot be read as one.

    A version that has a text or number in the place of the other is read as it was.
    """
    readable = dict(given)
    for name, value in given.items():
        if name not in known or value is None or (said := _said_of_type(name, value)) is None:
            continue
        zh, en = said
        is_lost = bool(value) and name in components.OBJECTS | components.LISTS and not _is_shaped(name, value)
        if is_lost:
            del readable[name]
        form.refuse(
            key,
            f"{name} 写成了“{str(value)[:60]}”，应为{zh}。",
            f'{name} is written "{str(value)[:60]}"; it is {en}.',
            (f"写成{zh}，或删去。", f"Write {en}, or remove it."),
            is_fatal=is_lost,
        )
    for name in (components.OBJECTS - {"properties"}) & readable.keys():
        if isinstance(readable[name], dict):
            readable[name] = check_types(form, key, readable[name], readable[name])
    return readable


def _is_shaped(name: str, value: Any) -> bool:
    """Tell whether a value is the object, the list of objects, or the list of choices that it should be."""
    if name in components.OBJECTS:
        return isinstance(value, dict)
    is_list = isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return is_list and (name != "values" or all(map(_is_choice, value)))


def _is_choice(option: Mapping[str, Any]) -> bool:
    """Tell whether a choice has a label, and a value that is no object or list; what else it has is said by name."""
    is_plain = isinstance(option.get("value"), str | int | float)
    return is_plain and isinstance(option.get("label"), str) and bool(option["label"].strip())


def _said_of_type(name: str, value: Any) -> tuple[str, str] | None:
    """Name the type that a value should have, if it has another."""
    if name in components.TEXT and not isinstance(value, str):
        return "文字", "a text"
    if name == "properties" and isinstance(value, dict) and not all(isinstance(one, str) for one in value.values()):
        return "文字的属性，值加引号", "an object whose values are texts, in quotes"
    if name in components.OBJECTS and not isinstance(value, dict):
        return "对象", "an object"
    if name == "values" and not _is_shaped(name, value):
        return "选项的列表，每项有文字 label 和 value", "a list of choices, each with a text as label and a value"
    return ("对象的列表", "a list of objects") if name in components.LISTS and not _is_shaped(name, value) else None


def check_attributes(form: Form, each: Mapping[str, Any], kind: str) -> None:
    """Refuse attributes of a component that are not drawn, and those that are written as this form cannot read them."""
    key = name_of(each)
    only(form, key, each, components.ATTRIBUTES[kind], (f"组件 {kind} ", f"The component {kind}"))
    only(form, key, each.get("conditional") or {}, ("hide",), ("conditional ", "Conditional"))
    appearance = each.get("appearance") or {}
    known = components.APPEARANCE.get(kind, frozenset())
    only(form, key, appearance, known, (f"{kind} 的 appearance ", f"Appearance of {kind}"))
    if kind in ("text", "group", components.LIST):
        only(form, key, each.get("properties") or {}, ("show_if", *components.ENGLISH), ("组件属性", "Its properties"))
    for option in each.get("values") or ():
        only(form, key, option, ("label", "value"), ("选项", "A choice"))
    rules = each.get("validate") or {}
    for holder in (each, rules, appearance):
        _refuse_formulas(form, key, holder)
    _refuse_values(form, key, each, rules)


def _refuse_values(form: Form, key: str, each: Mapping[str, Any], rules: Mapping[str, Any]) -> None:
    """Refuse what is neither true nor false where that is asked, and what cannot be done otherwise."""
    asked = {name: each[name] for name in WHETHER if name in each}
    if "required" in rules:
        asked["required"] = rules["required"]
    for name, value in asked.items():
        if not isinstance(value, bool):
            remedy = ("写 true 或 false，不加引号。", "Write true or false, without quotes.")
            form.refuse(key, f"{name} 写成了“{value}”。", f'{name} is written "{value}".', remedy)
    for name, (value, zh, en) in components.ALWAYS.items():
        if name in each and each[name] != value:
            remedy = ("改正或删去。", "Correct or remove it.")
            form.refuse(key, f"{name} 只能是 {value}：{zh}。", f"{name} can only be {value}: {en}.", remedy)


def _refuse_formulas(form: Form, key: str, holder: Mapping[str, Any]) -> None:
    """FEEL and templating stand in ``conditional.hide`` and ``defaultValue`` alone."""
    for name, value in holder.items():
        if name != "defaultValue" and isinstance(value, str) and (value.startswith("=") or "{{" in value):
            form.refuse(
                key,
                f"{name} 是表达式“{value[:60]}”，只会照字面显示。",
                f'{name} is the expression "{value[:60]}", which would be shown as it stands.',
                (
                    "写固定的内容；FEEL 只用于 conditional.hide 和 defaultValue。",
                    "Write it plainly; FEEL stands in conditional.hide and defaultValue only.",
                ),
            )
