"""Every class of the style sheets is used by a template, a script or a view."""

from __future__ import annotations

import re

from service.config import CHECKOUT

SHEETS = sorted((CHECKOUT / "service" / "static" / "css").glob("*.css"))
READERS = ("templates/**/*.html", "service/static/js/*.js", "service/web/**/*.py", "service/reports/**/*.py")
OF_OTHERS = (
    "djs-",
    "bjs-",
    "bio-",
    "fjs-",
    "opblock",
    "scheme-container",
    "wrapper",
)  # bpmn-js, form-js and Swagger UI put these


def classes() -> set[str]:
    found: set[str] = set()
    for sheet in SHEETS:
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.S)
        for selector in re.findall(r"([^{};]+)\{", text):
            found |= set(
                re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r"\([^)]*\)", lambda m: m[0].replace('"', " "), selector))
            )
    return found


def test_every_class_of_a_style_sheet_is_used() -> None:
    texts = [path.read_text() for pattern in READERS for path in CHECKOUT.glob(pattern)]
    words = {word for text in texts for word in re.findall(r"[a-zA-Z][\w-]*", text)}
    begun = {word for text in texts for word in re.findall(r"([a-zA-Z][\w-]*)(?:\{\{|\$\{)", text)}  # c{{ loop.index }}
    dead = {
        name for name in classes() - words if not name.startswith(OF_OTHERS) and re.sub(r"\d+$", "", name) not in begun
    }
    assert not dead, sorted(dead)
