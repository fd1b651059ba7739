"""The data of a completed task: cleaned by the form of the task's own version, personal texts stored apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service import forms
from service.engine import Definition
from service.errors import N_, InvalidInput, Message
from service.workflow.processes import definitions
from service.workflow.runtime import executor
from service.workflow.runtime.executor import LockedCase

NOTHING_AT_START = Message(N_("发起这个流程时没有需要填写的内容，请去掉这一项。"))


def clean_form(held: LockedCase, row: Any, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Clean what was typed for a locked task; the case and the journal only refer to a personal field.

    Raises InvalidInput.
    """
    if row.form_key is None:
        if raw:
            raise InvalidInput(text=N_("这项任务没有需要填写的内容。"))
        return {}
    definition = definitions.definition(row.form_definition)
    cleaned = forms.clean(definition.files[f"{row.form_key}.form"], raw)
    return cleaned.data | executor.store_personal(held, cleaned.personal)


def clean_start_form(definition: Definition, raw: Mapping[str, Any]) -> forms.Cleaned:
    """Clean what a client brings to a new case: the fields of the start event's form and nothing else.

    Raises InvalidInput at a field that the form does not declare, so that no client names a variable of the process.
    """
    if definition.start_form is None:
        if raw:
            raise InvalidInput(dict.fromkeys(raw, NOTHING_AT_START))
        return forms.Cleaned({}, {})
    return forms.clean(definition.files[f"{definition.start_form}.form"], raw)
