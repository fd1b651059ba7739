"""The data of a completed task: cleaned by the form of the task's own version, personal values stored apart."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from service import forms
from service.engine import Definition, journal
from service.errors import N_, InvalidInput, Message
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.case import PersonalValue
from service.workflow.runtime import definitions
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
    data = dict(cleaned.data)
    for name, value in cleaned.personal.items():
        data[name] = _store_personal(held, name, value)
    return data


def clean_start_form(definition: Definition, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Clean what a client brings to a new case: the fields of the start event's form and nothing else.

    Raises InvalidInput at a field that the form does not declare, so that no client names a variable of the process.
    """
    if definition.start_form is None:
        if raw:
            raise InvalidInput(dict.fromkeys(raw, NOTHING_AT_START))
        return {}
    return dict(forms.clean(definition.files[f"{definition.start_form}.form"], raw).data)


def _store_personal(held: LockedCase, name: str, value: str) -> dict[str, str]:
    """Store a personal value; the reference to it, with its salted digest."""
    salt = os.urandom(16)
    row = PersonalValue(id=new_id(), case_id=held.id, seq=held.seq + 1, field=name, value=value, salt=salt)
    session().add(row)
    return {"personal": str(row.id), "digest": journal.salted(salt, name, value)}
