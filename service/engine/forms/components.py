"""The components of form-js that are drawn, and what each may say; whatever is not named here is refused."""

from __future__ import annotations

from service.errors import N_

TEXTS = ("textfield", "textarea")
CHOICES = ("select", "radio", "checklist")
INPUTS = (*TEXTS, "number", *CHOICES, "checkbox", "datetime")

_PLACE = "id type layout conditional"
_INPUT = f"{_PLACE} key label description properties validate defaultValue readonly disabled"
ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        "textfield": f"{_INPUT} appearance",
        "textarea": f"{_INPUT} appearance",
        "number": f"{_INPUT} appearance decimalDigits",
        "select": f"{_INPUT} values valuesKey searchable",
        "radio": f"{_INPUT} values valuesKey",
        "checklist": f"{_INPUT} values valuesKey",
        "checkbox": _INPUT,
        "datetime": f"{_INPUT} subtype dateLabel timeLabel use24h",
        "text": f"{_PLACE} text properties",
        "group": f"{_PLACE} label components showOutline properties",
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

APPEARANCE = frozenset(["placeholder", "prefixAdorner", "suffixAdorner"])
SUBTYPES = ("date", "time", "datetime")
VALIDATION_TYPES: dict[str, tuple[str, str]] = {
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", N_("如 name@example.com")),
    "phone": (r"\+?[0-9][0-9 \-]{4,18}[0-9]", N_("如 010-12345678")),
}
"""``validationType`` of form-js → the pattern it stands for, and how to write it."""

INSTEAD: dict[str, tuple[str, str]] = {
    "dynamiclist": ("改为几个字段,或每项一件任务(多实例)。", "Write single fields, or a task for each item."),
    "button": ("删去:页面自己有提交按钮。", "Remove it: the page has a button of its own."),
    "filepicker": ("文件由案卷的附件上传,删去。", "Files are attached on pages of their own: remove it."),
    "documentPreview": ("删去。", "Remove it."),
    "iframe": ("改用 text 写说明。", "Write a text component."),
    "html": ("改用 text 写说明。", "Write a text component."),
    "image": ("改用 text 写说明。", "Write a text component."),
    "table": ("改用 text 写说明。", "Write a text component."),
    "taglist": ("改用 checklist。", "Use a checklist."),
    "expression": ("由脚本任务或服务任务计算。", "Let a script task or a service task compute it."),
    "separator": ("改用 group 分组。", "Use a group."),
    "spacer": ("删去。", "Remove it."),
}
"""Components of form-js that are not drawn → what to write instead."""
