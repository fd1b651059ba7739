"""Texts in the language in force. A Chinese text is its own key in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations, translation

from flask_babel import force_locale, gettext

from service.config import CHECKOUT
from service.errors import Message


def translate(text: Message | str | None) -> str:
    """Write a text or message in the language in force; None gives ''.

    The values of a message are filled in after its translation; a value may be a message itself.
    """
    if not isinstance(text, Message):
        return gettext(text) if text else ""
    translated = gettext(text.text)
    values = {name: translate(value) if isinstance(value, Message) else value for name, value in text.values.items()}
    return translated % values if values else translated


def catalogue_english(text: str) -> str | None:
    """The English that the catalogue has for a text, also outside an application; None where it has none."""
    english = _catalogue().gettext(text)
    return None if english == text else english


def has_catalogue() -> bool:
    """Tell whether the English catalogue is compiled; before, nothing can be said of what it has."""
    return isinstance(_catalogue(), GNUTranslations)


@cache
def _catalogue() -> NullTranslations:
    return translation("messages", CHECKOUT / "service" / "translations", ["en"], fallback=True)


def in_english(texts: Mapping[str, str]) -> dict[str, str]:
    """Write these texts in English whatever language is in force; what the catalogue lacks stays as it is."""
    with force_locale("en"):
        return {name: gettext(text) if text else "" for name, text in texts.items()}
