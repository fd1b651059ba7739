"""The components of form-js that are drawn, and what each may say; whatever is not named here is refused."""

from __future__ import annotations

from service.errors import N_

TEXTS = ("textfield", "textarea")
CHOICES = ("select", "radio", "checklist")
INPUTS = (*TEXTS, "number", *CHOICES, "checkbox", "datetime")
LIST = "dynamiclist"
MAX_ROWS = 50  # of a list

EDITOR = frozenset(["id", "type", "layout"])
"""Attributes that are the editor's: fields stand below one another, in their order."""

_PLACE = "id type layout conditional"
_INPUT = f"{_PLACE} key label description properties validate defaultValue readonly disabled"
ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        "textfield": f"{_INPUT} appearance",
        "textarea": f"{_INPUT} appearance",
        "number": f"{_INPUT} appearance decimalDigits",
        "select": f"{_INPUT} values valuesKey",
        "radio": f"{_INPUT} values valuesKey",
        "checklist": f"{_INPUT} values valuesKey",
        "checkbox": _INPUT,
        "datetime": f"{_INPUT} subtype dateLabel timeLabel use24h timeInterval timeSerializingFormat",
        "text": f"{_PLACE} text properties",
        "group": f"{_PLACE} label components showOutline properties",
        LIST: f"{_PLACE} path label components properties showOutline"
        " isRepeating allowAddRemove defaultRepetitions disableCollapse",
    }.items()
}
"""Component → its attributes."""

RULES: dict[str, frozenset[str]] = {
    "textfield": frozenset(["required", "minLength", "maxLength", "pattern", "validationType"]),
    "textarea": frozenset(["required", "minLength", "maxLength"]),
    "number": frozenset(["required", "min", "max"]),
    **dict.fromkeys((*CHOICES, "checkbox", "datetime"), frozenset(["required"])),
}
"""Component → what ``validate`` may ask."""

ENGLISH = frozenset(["label_en", "dateLabel_en", "description_en", "text_en"])
"""Properties with the English of what people read; of choices ``label_en.<value>`` and ``note_en.<value>``."""

PROPERTIES = frozenset(["personal", "decimals", "show_if", "required_if", *ENGLISH])
"""Properties of a field with a meaning; beside them ``note.<value>`` of a choice."""

TOP = frozenset(
    [
        "components",
        "type",
        "id",
        "schemaVersion",
        "title",
        "title_en",
        "exporter",
        "executionPlatform",
        "executionPlatformVersion",
        "versionTag",
    ]
)
"""Attributes beside the components."""

_TEXT = """
id type key path label description text subtype dateLabel timeLabel timeSerializingFormat valuesKey title title_en
pattern validationType placeholder prefixAdorner suffixAdorner hide
"""
TEXT = frozenset(_TEXT.split())
"""Attributes whose value is a text."""
OBJECTS = frozenset(["conditional", "properties", "validate", "appearance"])
"""Attributes whose value is an object."""
LISTS = frozenset(["components", "values"])
"""Attributes whose value is a list of objects."""

OF_THE_PAGE = frozenset(["Meta", *["csrf_token", "then", "form_digest", "form_id", "assignee", "asked", "rows"]])
"""Names that a page sends beside the fields of a form, and that of the schema's own description."""

_BOX = frozenset(["placeholder", "prefixAdorner", "suffixAdorner"])
APPEARANCE = dict.fromkeys(("textfield", "textarea", "number"), _BOX)
"""Component → what stands in and around its box."""
ALWAYS: dict[str, tuple[object, str, str]] = {
    "isRepeating": (True, "列表总有几行", "a list has rows"),
    "disableCollapse": (True, "各行总是展开", "its rows are never folded"),
    "use24h": (True, "时间总是二十四小时制", "times are always those of 24 hours"),
    "timeSerializingFormat": ("no_timezone", "时间是中国的，不带时区", "times are China's, without a zone"),
}
"""Attributes that may only say what is done anyway."""
_WRITTEN = """
id type layout conditional key label description properties validate defaultValue readonly disabled appearance
decimalDigits increment serializeToString values valuesKey valuesExpression searchable subtype dateLabel timeLabel
use24h timeInterval timeSerializingFormat disallowPassedDates text components showOutline verticalAlignment path
isRepeating defaultRepetitions allowAddRemove disableCollapse nonCollapsedItems action source alt url security height
content dataSource rowCount columns columnsExpression expression computeOn accept multiple maxHeight title endpointKey
omitFromSubmit
"""
_HELD = {
    "validate": "required min max minLength maxLength pattern patternErrorMessage validationType",
    "appearance": "prefixAdorner suffixAdorner",
    "conditional": "hide",
}
FORM_JS = {name: frozenset(text.split()) for name, text in {"": _WRITTEN, **_HELD}.items()}
"""All attributes that the form editor writes (form-js 1.23), by the member that holds them."""
SUBTYPES = ("date", "time", "datetime")
VALIDATION_TYPES: dict[str, tuple[str, str]] = {
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", N_("如 name@example.com")),
    "phone": (r"\+?[0-9][0-9 \-]{4,18}[0-9]", N_("如 010-12345678")),
}
"""``validationType`` of form-js → the pattern it stands for, and how to write it."""

INSTEAD: dict[str, tuple[str, str]] = {
    "button": ("删去：页面自己有提交按钮。", "Remove it: the page has a button of its own."),
    "filepicker": ("文件由案卷的附件上传，删去。", "Files are attached on pages of their own: remove it."),
    "documentPreview": ("删去。", "Remove it."),
    "iframe": ("改用 text 写说明。", "Write a text component."),
    "html": ("改用 text 写说明。", "Write a text component."),
    "image": ("改用 text 写说明。", "Write a text component."),
    "table": ("改用 text 写说明。", "Write a text component."),
    "taglist": ("改用 checklist。", "Use a checklist."),
    "expression": ("由脚本任务或服务任务计算。", "Let a script task or a service task compute it."),
    "separator": ("改用 group 分组。", "Use a group."),
    "spacer": ("删去。", "Remove it."),
    "multipage": ("改用 group 分组。", "Use groups."),
    "page": ("改用 group 分组。", "Use groups."),
}
"""Components of form-js that are not drawn → what to write instead."""


def is_drawn(kind: str, path: str) -> bool:
    """Tell whether a component shows a property; one of another member stands behind a point: ``validate.min``."""
    holder, _, name = path.rpartition(".")
    held = {"validate": RULES.get(kind), "appearance": APPEARANCE.get(kind), "conditional": frozenset(["hide"])}
    return name in ((held[holder] or ()) if holder else ATTRIBUTES[kind])
