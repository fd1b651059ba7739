"""The fields of a form held against one another: keys, choices, ranges, first values, and conditions that can hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR

from service.engine.forms import components
from service.engine.forms.attributes import did_you_mean, nearest
from service.engine.forms.conditions import Term
from service.engine.forms.defaults import first_value, variables_in
from service.engine.forms.fields import Field, Form
from service.engine.forms.typed_fields import is_accepted

_KEY = re.compile(r"[A-Za-z]\w{0,99}")


def check_together(form: Form) -> None:
    """Keys are names, each once; conditions compare fields of the form with values they can have."""
    inputs = {one.key: one for one in form.fields if one.type in components.INPUTS}
    seen: set[str] = set()
    for one in form.fields:
        if one.type in (*components.INPUTS, components.LIST):
            _check_key(form, one.key, seen)
            _check_choices(form, one)
            _check_default(form, one)
            _check_range(form, one)
            _check_conditions(form, one, inputs)


def _check_key(form: Form, key: str, seen: set[str]) -> None:
    if not _KEY.fullmatch(key) or key in seen:
        form.refuse(
            key,
            f"字段的 key“{key[:60]}”{'重复' if key in seen else '不是变量名'}。",
            f'The key "{key[:60]}" of a field is {"used twice" if key in seen else "no name of a variable"}.',
            ("用字母、数字、下划线，各不相同。", "Use letters, digits, underscores; each key once."),
            is_fatal=True,
        )
    elif key in components.OF_THE_PAGE:
        form.refuse(
            key,
            f"key“{key}”是办理页面自己用的名称，填写的内容会丢失。",
            f'The key "{key}" is a name that the page uses for itself; what is typed would be lost.',
            ("换一个 key。", "Use another key."),
        )
    seen.add(key)


def _check_choices(form: Form, one: Field) -> None:
    """Choices stand in one place, each once, and each can be chosen."""
    if one.type in components.CHOICES and bool(one.options) == bool(one.options_key):
        remedy = ("写 values 或 valuesKey。", "Write values or valuesKey.")
        form.refuse(one.key, "选项应写明，且只写一处。", "The choices are to be given, in one place.", remedy)
    for value, times in Counter(option.value for option in one.options).items():
        if times > 1:
            remedy = ("各选项的值要不同。", "Give each choice a value of its own.")
            form.refuse(one.key, f"选项的值“{value}”重复。", f'The value "{value}" of a choice is used twice.', remedy)
        if value != value.strip() or not value:
            remedy = ("写一个首尾没有空格的值。", "Write a value without spaces around it.")
            form.refuse(one.key, f"选项的值“{value}”选不了。", f'The value "{value}" cannot be chosen.', remedy)


def _check_range(form: Form, one: Field) -> None:
    """Some value is possible."""
    least, most = one.minimum, one.maximum
    unit = one.decimals
    is_empty = one.shortest > one.longest
    if least is not None and most is not None:
        up, down = least.scaleb(unit), most.scaleb(unit)
        is_empty |= up.to_integral_value(ROUND_CEILING) > down.to_integral_value(ROUND_FLOOR)
    if is_empty:
        remedy = ("改正 validate。", "Correct its validate.")
        form.refuse(one.key, "下限大于上限，没有值可填。", "The least is more than the most: no value fits.", remedy)


HOW: dict[str, tuple[str, str]] = {
    "date": ("写日期，如 2026-12-08。", "Write a date, such as 2026-12-08."),
    "time": ("写时间，如 18:00。", "Write a time, such as 18:00."),
    "datetime": ("写日期和时间，如 2026-12-08T18:00。", "Write a date with a time, such as 2026-12-08T18:00."),
    "number": ("写 validate 范围内、小数位数合适的数。", "Write a number within its validate and decimal digits."),
    "checkbox": ("写 true 或 false。", "Write true or false."),
    **dict.fromkeys(components.CHOICES, ("写选项中的值。", "Write one of its values.")),
    **dict.fromkeys(components.TEXTS, ("写符合 validate 的文字。", "Write a text that its validate allows.")),
}
"""Subtype or type of a field → how its first value is written."""


def _check_default(form: Form, one: Field) -> None:
    """A field begins with what could be typed into it; only of several choices with a list."""
    remedy = HOW.get(one.subtype or one.type, ("删去。", "Remove it."))
    for value in _begun(one):
        is_several = isinstance(one.default, tuple) and one.type != "checklist"
        is_known = value in ("true", "false") if one.type == "checkbox" else is_accepted(one, value)
        if is_several or not is_known:
            text = value[:60]
            form.refuse(one.key, f"defaultValue“{text}”填不进去。", f'defaultValue "{text}" does not fit.', remedy)


def _begun(one: Field) -> Iterable[str]:
    """The values that a field is known to begin with: those written, and what FEEL gives without variables."""
    if one.is_computed and variables_in(str(one.default)):
        return ()
    value = first_value(one, {})
    return value if isinstance(value, tuple) else filter(None, (value,))


def _check_conditions(form: Form, one: Field, inputs: Mapping[str, Field]) -> None:
    for condition in (one.show_if, one.required_if):
        for term in dict.fromkeys(condition.terms()) if condition else ():
            _check_term(form, one.key, term, inputs)


def _check_term(form: Form, key: str, term: Term, inputs: Mapping[str, Field]) -> None:
    name, _, value = term
    if name not in inputs:
        meant = nearest(name, inputs)
        form.refuse(
            key,
            f"条件中的字段“{name}”不在表单中。",
            f'The condition names the field "{name}", which the form does not have.',
            did_you_mean(meant) if meant else ("改正字段名。", "Correct it."),
        )
        return
    if inputs[name].type == "checklist" or inputs[name].readonly or name == key:
        form.refuse(
            key,
            f"条件不能比较字段 {name}：它可选几项、只供查看，或就是这个字段自己。",
            f"A condition cannot compare {name}: it has several choices, is only shown, or is the field itself.",
            ("改用另一个填一个值的字段。", "Compare another field, of one value that is typed."),
        )
        return
    known = {"true", "false"} if inputs[name].type == "checkbox" else {o.value for o in inputs[name].options}
    if known and value not in {"", *known}:
        meant = nearest(value, known)
        form.refuse(
            key,
            f"条件中的值“{value}”不是字段 {name} 的选项。",
            f'The condition compares {name} with "{value}", which is none of its values.',
            did_you_mean(meant) if meant else ("改正该值。", "Correct it."),
        )
