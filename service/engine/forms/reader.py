"""The one reader of a .form: fields to draw and to clean, and the faults for which the gate refuses it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from service.engine.forms import components
from service.engine.forms.attributes import (
    check_attributes,
    check_types,
    name_of,
    only,
    refuse_component,
)
from service.engine.forms.conditions import (
    MOST_ALTERNATIVES,
    Condition,
    TooManyAlternatives,
    as_text,
    read_condition,
    read_hidden,
)
from service.engine.forms.defaults import problem_of
from service.engine.forms.field_checks import check_together
from service.engine.forms.fields import Field, Form, Option
from service.engine.forms.typed_fields import pattern_problem
from service.validation.fields import MAX_NUMBER

MOST_DECIMALS, MINUTES_OF_A_DAY = 6, 24 * 60
MAX_LENGTHS = {"textfield": 200, "textarea": 1000}
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@lru_cache(maxsize=512)
def read_form(content: bytes) -> Form:
    """Read a form; never raises."""
    form = Form()
    try:
        top = json.loads(content, object_pairs_hook=_members, parse_constant=_no_number)
        top = check_types(form, "", top, components.TOP)
        found = top["components"]
        form.title = str(top.get("title") or "")
        only(form, "", top, components.TOP, ("表单", "The form"))
        _read_all(form, found, None)
    except _Unreadable as unreadable:
        remedy = ("改正后再部署。", "Correct it.")
        form.refuse("", unreadable.zh, unreadable.en, remedy, is_fatal=True)
    except json.JSONDecodeError as error:
        form.refuse(
            "",
            f"表单文件第 {error.lineno} 行第 {error.colno} 个字符读不懂：引号、逗号或括号不成对，或者多了、少了。",
            f"The form cannot be read at line {error.lineno}, character {error.colno}: a quotation mark, comma or"
            " bracket is missing or too many.",
            (
                "改正这一处，或用表单编辑器重新导出。",
                "Correct it there, or export the form again from the form editor.",
            ),
            is_fatal=True,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        form.refuse(
            "",
            "文件不是表单：应是一个 JSON 对象，其中 components 列出各个字段，每个选项有 label 和 value。",
            "The file is no form: that is one JSON object, whose components list the fields; a choice has a label and a"
            " value.",
            ("用表单编辑器重新导出。", "Export it again from the form editor."),
            is_fatal=True,
        )
    else:
        check_together(form)
    return form


class _Unreadable(Exception):
    """JSON that is no form; zh, en: what is wrong."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object. Raises _Unreadable for a name given twice, and for a text with signs that cannot be shown."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise _Unreadable(f"“{twice}”在同一个对象里写了两次。", f'"{twice}" is written twice in one object.')
    for name, value in pairs:
        texts = (name, *(value if isinstance(value, list) else (value,)))
        if any(isinstance(text, str) and _HIDDEN.search(text) for text in texts):
            raise _Unreadable("有不能显示的控制字符。", "There are control characters that cannot be shown.")
    return found


def _no_number(written: str) -> None:
    raise _Unreadable(f"{written} 不是数。", f"{written} is no number.")


def _read_all(form: Form, found: Iterable[Any], shown: Condition | None) -> None:
    for each in found:
        kind = str(each.get("type"))
        if kind not in components.ATTRIBUTES:
            refuse_component(form, each, kind)
            continue
        key = name_of(each)
        readable = check_types(form, key, each, components.ATTRIBUTES[kind])
        check_attributes(form, readable, kind)
        _read_one(form, readable, kind, _show_if(form, readable, shown))


def _read_one(form: Form, each: Mapping[str, Any], kind: str, shown: Condition | None) -> None:
    if kind == "text":
        form.fields.append(Field("", "text", str(each.get("text") or ""), show_if=shown))
    elif kind == "group":
        if each.get("label"):
            is_outlined = each.get("showOutline") is True
            form.fields.append(Field("", "group", str(each["label"]), show_if=shown, is_outlined=is_outlined))
        _read_all(form, each.get("components") or (), shown)
    elif kind == components.LIST:
        form.fields.append(_list(form, each, shown))
    else:
        form.fields.append(_field(form, each, kind, shown))


def _list(form: Form, each: Mapping[str, Any], shown: Condition | None) -> Field:
    """Read a list of rows: each row has the same plain fields."""
    key, row = str(each.get("path") or ""), Form()
    _read_all(row, each.get("components") or (), None)
    check_together(row)
    form.faults += row.faults
    for one in row.fields:
        is_plain = one.type in components.INPUTS and not (one.personal or one.readonly or one.options_key)
        if not is_plain or one.show_if or one.required_if or one.is_computed:
            form.refuse(
                one.key or key,
                "列表的行里只放填写的字段，不写条件、FEEL、valuesKey、personal 和 readonly。",
                "A row of a list has plain fields only, without condition, FEEL, valuesKey, personal and readonly.",
                ("把它移到列表外面。", "Move it out of the list."),
                is_fatal=True,
            )
    rows = _whole(form, key, each.get("defaultRepetitions"), 1)
    if not row.fields or rows > components.MAX_ROWS:
        form.refuse(
            key,
            f"列表应有字段，至多 {components.MAX_ROWS} 行。",
            f"A list has fields, and at most {components.MAX_ROWS} rows.",
            ("改正 components 或 defaultRepetitions。", "Correct its components or defaultRepetitions."),
            is_fatal=True,
        )
    return Field(
        key=key,
        type=components.LIST,
        label=str(each.get("label") or ""),
        is_outlined=each.get("showOutline") is True,
        show_if=shown,
        columns=tuple(row.fields),
        rows=rows,
        is_fixed=each.get("allowAddRemove") is False,
    )


def _show_if(form: Form, each: Mapping[str, Any], outer: Condition | None) -> Condition | None:
    """Join what hides a component: its own condition in FEEL, its property, and what hides the group around it."""
    hide = (each.get("conditional") or {}).get("hide")
    shown = outer
    for text, read in ((hide, read_hidden), ((each.get("properties") or {}).get("show_if"), read_condition)):
        if text and (condition := _condition(form, name_of(each), str(text), read, shown)):
            shown = condition
    return shown


def _condition(
    form: Form, key: str, text: str, read: Any = read_condition, outer: Condition | None = None
) -> Condition | None:
    try:
        found: Condition = read(text).and_also(outer)
    except TooManyAlternatives:
        form.refuse(
            key,
            f"条件“{text[:60]}”连同外层的条件太复杂，超过 {MOST_ALTERNATIVES} 种情形。",
            f'The condition "{text[:60]}", with those around it, has more than {MOST_ALTERNATIVES} alternatives.',
            ("写得简单些，或分成几个字段。", "Write it more simply, or of several fields."),
            is_fatal=True,
        )
        return None
    except ValueError as error:
        form.refuse(
            key,
            f"条件“{text[:60]}”读不懂：{str(error)[:60]}。",
            f'The condition "{text[:60]}" cannot be read: {str(error)[:60]}.',
            (
                "属性写 字段 == '值',hide 写 =字段 = \"值\",用 and、or 连接。",
                "Write field == 'value' in a property, =field = \"value\" in hide, joined by and, or.",
            ),
            is_fatal=True,
        )
        return None
    return found


def _field(form: Form, each: Mapping[str, Any], kind: str, shown: Condition | None) -> Field:
    key = str(each.get("key") or "")
    rules, extra = each.get("validate") or {}, each.get("properties") or {}
    only(form, key, rules, components.RULES[kind], (f"{kind} 的 validate ", f"Validate of {kind}"))
    options = tuple(_option(o, extra) for o in each.get("values") or ())
    of_options = ("note", "note_en", "label_en")
    notes = frozenset(f"{name}.{option.value}" for option in options for name in of_options)
    only(form, key, extra, components.PROPERTIES | notes, ("字段属性", "The properties of a field"))
    appearance = each.get("appearance") or {}
    pattern, hint = _pattern(form, key, rules)
    return Field(
        key=key,
        type=kind,
        label=_label(form, each, key, kind),
        hint=str(each.get("description") or hint),
        required=rules.get("required") is True,
        options=options,
        options_key=str(each.get("valuesKey") or ""),
        minimum=_decimal(form, key, rules.get("min")),
        maximum=_decimal(form, key, rules.get("max")),
        decimals=_whole(form, key, extra.get("decimals", each.get("decimalDigits")), 0, MOST_DECIMALS),
        shortest=_whole(form, key, rules.get("minLength"), 0),
        longest=_whole(form, key, rules.get("maxLength"), MAX_LENGTHS.get(kind, 200)),
        pattern=pattern,
        default=_default(form, key, each.get("defaultValue")),
        placeholder=str(appearance.get("placeholder") or ""),
        prefix=str(appearance.get("prefixAdorner") or ""),
        suffix=str(appearance.get("suffixAdorner") or ""),
        subtype=_subtype(form, key, each) if kind == "datetime" else "",
        step=_step(form, key, each),
        personal=_personal(form, key, extra),
        readonly=each.get("readonly") is True or each.get("disabled") is True,
        show_if=shown,
        required_if=_condition(form, key, str(extra["required_if"])) if extra.get("required_if") else None,
    )


def _label(form: Form, each: Mapping[str, Any], key: str, kind: str) -> str:
    """The label of a field; of a time or date the one that its subtype shows."""
    shown = "timeLabel" if each.get("subtype") == "time" else "dateLabel"
    for name in {"timeLabel", "dateLabel"} - {shown} if kind == "datetime" else ():
        if each.get(name):
            form.refuse(
                key,
                f"{name} 在这里不显示。",
                f"{name} is not shown here.",
                (f"写在 {shown}。", f"Write it as {shown}."),
            )
    return str(each.get("label") or each.get(shown) or "")


def _default(form: Form, key: str, value: Any) -> str | tuple[str, ...]:
    """Read what a field starts with; of FEEL, which begins with ``=``, the text."""
    if isinstance(value, list):
        return tuple(map(as_text, value))
    if isinstance(value, str) and value.startswith("=") and (problem := problem_of(value)):
        remedy = ("改正 FEEL 表达式。", "Correct the FEEL expression.")
        form.refuse(key, f"defaultValue“{value}”：{problem[0]}。", f'defaultValue "{value}": {problem[1]}.', remedy)
        return ""
    return as_text(value)


def _option(option: Mapping[str, Any], extra: Mapping[str, Any]) -> Option:
    value = as_text(option["value"])
    return Option(value, str(option["label"]), str(extra.get(f"note.{value}", "")))


def _personal(form: Form, key: str, extra: Mapping[str, Any]) -> bool:
    """Read the mark of a personal field; what is meant as one is one, and is written plainly."""
    value = extra.get("personal", "false")
    if value not in ("true", "false"):
        form.refuse(
            key,
            f"personal 写成了“{value}”。",
            f'personal is written "{value}".',
            ('写 "true" 或 "false"。', 'Write "true" or "false".'),
        )
    return str(value).strip().lower() not in ("false", "")


def _subtype(form: Form, key: str, each: Mapping[str, Any]) -> str:
    subtype = str(each.get("subtype") or "date")
    if subtype not in components.SUBTYPES:
        form.refuse(
            key,
            f"日期时间的 subtype“{subtype}”不存在。",
            f'There is no subtype "{subtype}" of a datetime.',
            ("写 date、time 或 datetime。", "Write date, time or datetime."),
            is_fatal=True,
        )
    return subtype


def _step(form: Form, key: str, each: Mapping[str, Any]) -> int:
    """The minutes between two times that are offered; a date has none."""
    step = _whole(form, key, each.get("timeInterval"), 0, MINUTES_OF_A_DAY)
    if step and str(each.get("subtype") or "date") == "date":
        form.refuse(
            key,
            "日期没有时间，timeInterval 不起作用。",
            "A date has no time; timeInterval is without effect.",
            ("删去，或把 subtype 写作 time 或 datetime。", "Remove it, or write time or datetime as subtype."),
        )
    return step


def _pattern(form: Form, key: str, rules: Mapping[str, Any]) -> tuple[str, str]:
    """The regular expression of a text, and how to write it."""
    kind = str(rules.get("validationType") or "")
    if kind in components.VALIDATION_TYPES:
        return components.VALIDATION_TYPES[kind]
    if kind not in ("", "custom"):
        remedy = ("写 email、phone 或 custom。", "Write email, phone or custom.")
        form.refuse(key, f"没有 validationType“{kind}”。", f'There is no validationType "{kind}".', remedy)
    given = rules.get("pattern")
    text = given if isinstance(given, str) else ""
    problem = pattern_problem(text) if text else None
    if problem is None:
        return text, ""
    form.refuse(
        key,
        f"pattern“{text[:60]}”不可用：{problem[0]}。",
        f'The pattern "{text[:60]}" cannot be used: {problem[1]}.',
        ("改正正则表达式，写法同 FEEL 的 matches。", "Correct it; it is written as for matches of FEEL."),
    )
    return "", ""


def _decimal(form: Form, key: str, value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    with suppress(InvalidOperation):
        found = Decimal(str(value))
        if found.is_finite() and "_" not in str(value):
            if found.copy_abs() < MAX_NUMBER:  # abs() rounds, and may overflow
                return found
            _refuse_most(form, key, str(value), MAX_NUMBER - 1)
            return None
    _refuse_number(form, key, value)
    return None


def _whole(form: Form, key: str, value: Any, otherwise: int, most: int = 999_999) -> int:
    if value is None or value == "":
        return otherwise
    if re.fullmatch(r"\d{1,6}", str(value).strip()):
        if int(value) > most:
            _refuse_most(form, key, str(value), most)
        return min(int(value), most)
    _refuse_number(form, key, value)
    return otherwise


def _refuse_most(form: Form, key: str, value: str, most: int) -> None:
    zh, en = f"“{value[:60]}”太大，至多 {most}。", f'"{value[:60]}" is too much; the most is {most}.'
    form.refuse(key, zh, en, ("改小。", "Write less."))


def _refuse_number(form: Form, key: str, value: Any) -> None:
    text = str(value)[:60]
    form.refuse(key, f"“{text}”不是数。", f'"{text}" is no number.', ("改成数。", "Write a number."), is_fatal=True)
