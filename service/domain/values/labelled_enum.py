"""Enumerations whose members carry the Chinese word people read for them. The words themselves stand in each module."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """A code with the word shown for it: ``PENDING = "pending", N_("待审批")``. ``label`` is a key of the catalogue."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member
