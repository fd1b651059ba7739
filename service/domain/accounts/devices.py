"""A browser and its system in a few words, from what it says of itself."""

from __future__ import annotations

import re

_BROWSERS = (
    ("WeChat", r"MicroMessenger/(\d+)"),
    ("Edge", r"Edg(?:A|iOS|e)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("QQ", r"QQBrowser/(\d+)"),
    ("UC", r"UCBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* .*Safari/"),
)
_SYSTEMS = (
    ("HarmonyOS", r"HarmonyOS"),
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)


def describe_device(user_agent: str) -> str:
    """``Chrome 126 · Windows`` of a User-Agent header; '' when it names neither. At most 30 characters."""
    said = user_agent[:500]
    browsers = (f"{name} {found[1][:4]}" for name, pattern in _BROWSERS if (found := re.search(pattern, said)))
    systems = (name for name, pattern in _SYSTEMS if re.search(pattern, said))
    return " · ".join(part for part in (next(browsers, ""), next(systems, "")) if part)
