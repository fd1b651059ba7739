"""Language of the reader, and how dates, numbers and messages are written. The filters of all templates."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask import Flask, g, session
from flask_babel import force_locale, gettext
from markupsafe import Markup, escape

from service.domain.accounts.roles import Role
from service.errors import Message
from service.infrastructure.translation import translate
from service.models.db.clock import CHINA, now, today
from service.web.presenters.diagram_words import BabelWithDiagrams

LANGUAGES = {"zh": "zh-CN", "en": "en"}  # of the translations → of the HTML page
NOTHING = "—"


def register(app: Flask) -> None:
    """Languages and filters."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    BabelWithDiagrams(app, default_locale="zh", locale_selector=language)
    app.jinja_env.filters |= {
        "instant": instant,
        "day": day,
        "short_day": short_day,
        "whole_instant": whole_instant,
        "left": days_left,
        "thousands": thousands,
        "mark": mark,
        "role": role_name,
        "tr": translate,
        "told": lambda packed: translate(Message.from_json(packed)),
        "lines": lines,
    }
    app.jinja_env.tests["late"] = is_late
    app.jinja_env.globals |= {
        "language": language,
        "html_language": lambda: LANGUAGES[language()],
        "long_day": long_day,
        "server_time": server_time,
    }


def language() -> str:
    """``zh``, unless the reader has chosen ``en``, or a client of the API asks for it."""
    chosen = g.get("language") or session.get("language")
    return chosen if chosen in LANGUAGES else "zh"


def instant(at: datetime | None) -> str | Markup:
    """``11-20 08:31`` of this year, else ``2025-11-20 08:31``, China time, as a ``<time>``."""
    if at is None:
        return NOTHING
    exact = at.astimezone(CHINA).isoformat(timespec="seconds")
    return Markup(f'<time datetime="{exact}">{instant_text(at)}</time>')  # noqa: S704 - digits alone


def instant_text(at: datetime) -> str:
    """The same as plain text."""
    local = at.astimezone(CHINA)
    return local.strftime("%m-%d %H:%M" if local.year == today().year else "%Y-%m-%d %H:%M")


def full_instant(at: datetime) -> str:
    """``2026-11-24 08:31``, China time: with its year, for what is kept."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def whole_instant(at: datetime) -> str:
    """``2026-11-24 08:31:07.120 +08:00``: all that a journal knows of it."""
    return at.astimezone(CHINA).isoformat(" ", "milliseconds")


def exact(at: datetime) -> str:
    """``2026-11-24T00:31:07.120394Z``, for addresses: what was written at that instant was there."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day(value: date | datetime | str | None) -> str:
    """``2026-11-24``; an instant gives its civil date in China."""
    if isinstance(value, datetime):
        value = value.astimezone(CHINA).date()
    return str(value) if value else NOTHING


def short_day(value: date | datetime | None) -> str:
    """``11-24`` of this year, else ``2025-11-24``."""
    text = day(value)
    return text[5:] if text.startswith(f"{today().year}-") else text


def days_left(value: date | datetime | None) -> int:
    """Civil days from today to a date, negative when past; 0 when there is none."""
    if value is None:
        return 0
    end = value.astimezone(CHINA).date() if isinstance(value, datetime) else value
    return (end - today()).days


def is_late(at: datetime | None) -> bool:
    """Tell whether an instant has passed."""
    return at is not None and at < now()


def thousands(value: int | None) -> str:
    """``1,286``."""
    return NOTHING if value is None else f"{value:,}"


def mark(tenths: int | None) -> str:
    """A score or pass mark: 600 → ``60``, 545 → ``54.5``."""
    if tenths is None:
        return NOTHING
    return str(tenths // 10) if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}"


def role_name(role: str) -> str:
    """The word for a role."""
    return translate(Role(role).label)


def lines(text: str | None) -> Markup:
    """A text of several lines as HTML."""
    return Markup("<br>").join(escape(line) for line in (text or "").splitlines())


def long_day() -> str:
    """Today in full: ``2026年11月24日 星期二`` or ``Tuesday 24 November 2026``."""
    value = today()
    if language() == "zh":
        return f"{value.year}年{value.month}月{value.day}日 星期{'一二三四五六日'[value.weekday()]}"
    return f"{value:%A} {value.day} {value:%B %Y}"


def server_time() -> str:
    """The server's time in China, to the minute."""
    return full_instant(now())


def spell(text: str) -> set[str]:
    """A text of the catalogue in each language: a file may be filled in under either."""
    found = {text}
    for name in LANGUAGES:
        with force_locale(name):
            found.add(gettext(text))
    return found
