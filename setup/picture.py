"""Draw ``docs/architecture.svg`` from the layers that ``setup.cfg`` states. ``check``: the picture is that of today.

A box is a package of ``service``; its small print names the packages inside it, from top to bottom where a contract
orders them. Imports run along the arrows, or past them to any lower box.
"""

from __future__ import annotations

import configparser
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "architecture.svg"
WRITTEN = (  # the left column: what people change without touching the layers
    ("processes/", ("BPMN and DMN:", "in which order")),
    ("forms/", ("what is asked",)),
    ("templates/", ("how it looks",)),
    ("service/handlers", ("what a step means:", "one module a process")),
)
MEANING = {
    "cli": "the command anpei: serve, deploy, verify, backup",
    "worker": "wakes the jobs that are due",
    "demo": "demonstration data",
    "app": "puts the application together",
    "web": "pages",
    "api": "REST: engine-rest speaks Camunda 7, v1 the trade",
    "workflow": "use cases: one transaction each, one commit",
    "handlers": "Python behind service tasks",
    "reports": "read-only figures and lists",
    "operations": "changes that handlers and use cases share",
    "migrations": "steps to today's tables",
    "models": "rows, their queries, scope, the transaction",
    "domain": "rules R1–R75 on plain values",
    "evidence": "the verifier that runs alone",
    "engine": "(definition, state, input) → step",
    "forms": "form-js to schema",
    "infrastructure": "PostgreSQL, mail, PDF, sheets",
    "validation": "fields and messages of everything that is sent",
    "config": "settings of the environment",
    "errors": "one tree, rendered once",
}
WIDTH, MARGIN, COLUMN, GUTTER = 1000, 24, 190, 36  # pixels
LEFT = MARGIN + COLUMN + GUTTER
GAP, ARROW, HEAD, LINE, FOOT = 18, 30, 30, 18, 10  # between boxes and rows; heights of title, small print, space below
WRITTEN_HEIGHT = 84
CHARACTER = 7.0  # pixels of a character of small print
STYLE = (
    ".r{fill:#fff;stroke:#74828d;stroke-width:1.5}.k{fill:#e2edf3;stroke:#17506f;stroke-width:2}"
    ".d{fill:#f6f8f9;stroke:#74828d;stroke-dasharray:5 4}.t{fill:#15212b;text-anchor:middle;font-weight:700}"
    ".s{fill:#42505b;font-size:13px;text-anchor:middle}"
    ".a{stroke:#17506f;stroke-width:2;fill:none;marker-end:url(#m)}"
)
STRONG = ("workflow", "engine")  # where changes happen: use cases, and the execution of diagrams


@dataclass(slots=True)
class Box:
    """A package with the lines below its name, and where it stands in its row."""

    name: str
    inside: str = ""
    meaning: str = ""
    x: float = 0
    width: float = 0
    lines: tuple[str, ...] = ()

    @property
    def middle(self) -> float:
        """Where its arrow begins."""
        return self.x + self.width / 2


def main() -> int:
    drawn = draw()
    if sys.argv[1:] == ["check"]:
        is_current = PICTURE.read_text() == drawn
        print(
            "picture: that of the contracts"
            if is_current
            else "docs/architecture.svg is not that of setup.cfg: make picture"
        )
        return 0 if is_current else 1
    PICTURE.write_text(drawn)
    return 0


def draw() -> str:
    """The picture as SVG."""
    rows = [_placed(row) for row in _rows()]
    parts, top = [], float(MARGIN)
    for number, row in enumerate(rows):
        height = HEAD + LINE * max(len(box.lines) for box in row) + FOOT
        parts += [_box(box, top, height) for box in row]
        top += height
        if number + 1 < len(rows):
            parts += [_arrow(_over(box.middle, rows[number + 1]), top) for box in row]
            top += ARROW
    return "\n".join([_head(top + MARGIN), *_written(top), *parts, "</svg>", ""])


def contracts() -> dict[str, list[list[str]]]:
    """Layers from top to bottom, each with its siblings, by the container whose layers they are."""
    stated = configparser.ConfigParser()
    stated.read(ROOT / "setup.cfg")
    found = {}
    for name in stated.sections():
        if stated[name].get("type") == "layers":
            layers = stated[name]["layers"].split("\n")
            found[stated[name]["containers"].strip()] = [line.split(" | ") for line in map(str.strip, layers) if line]
    return found


def _rows() -> list[list[Box]]:
    known = contracts()
    return [[Box(name, _inside(name, known), MEANING[name]) for name in layer] for layer in known["service"]]


def _inside(name: str, known: dict[str, list[list[str]]]) -> str:
    """The packages inside a package: ``›`` stands between layers, ``·`` between siblings."""
    if layers := known.get(f"service.{name}"):
        return " › ".join(" · ".join(layer) for layer in layers)
    folder = ROOT / "service" / name
    return " · ".join(sorted(path.parent.name for path in folder.glob("*/__init__.py")))


def _placed(row: list[Box]) -> list[Box]:
    """Share the width among the boxes of a row by the length of their small print."""
    weights = [max(len(box.inside) + len(box.meaning), 72) ** 0.6 for box in row]
    room = WIDTH - MARGIN - LEFT - GAP * (len(row) - 1)
    x = float(LEFT)
    for box, weight in zip(row, weights, strict=True):
        box.x, box.width = x, room * weight / sum(weights)
        most = int((box.width - 20) / CHARACTER)
        box.lines = (*textwrap.wrap(box.meaning, most), *_wrapped(box.inside, most))
        x += box.width + GAP
    return row


def _wrapped(text: str, most: int) -> tuple[str, ...]:
    """Lines of at most so many characters, broken after a sign between two names."""
    lines: list[str] = []
    for name in text.replace(" › ", " ›|").replace(" · ", " ·|").split("|"):
        if lines and len(lines[-1]) + 1 + len(name) <= most:
            lines[-1] += f" {name}"
        else:
            lines.append(name)
    return tuple(line for line in lines if line)


def _over(x: float, below: list[Box]) -> float:
    """The nearest place to ``x`` from which an arrow meets a box of the row below."""
    places = [min(max(x, box.x + GAP), box.x + box.width - GAP) for box in below]
    return min(places, key=lambda place: abs(place - x))


def _head(height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        "font-family=\"system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif\" font-size=\"15\" "
        'role="img" aria-label="Anpei: layers of the service, imports run down only">\n'
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="m" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#17506f"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{height:g}" fill="#eff2f4"/>'
    )


def _written(bottom: float) -> list[str]:
    """The left column, as high as the layers."""
    parts = [
        f'<rect class="d" x="{MARGIN}" y="{MARGIN}" width="{COLUMN}" height="{bottom - MARGIN:g}" rx="6"/>',
        _text("t", MARGIN + COLUMN / 2, MARGIN + 26, "what people write"),
    ]
    for number, (name, lines) in enumerate(WRITTEN):
        box = Box(name, x=MARGIN + 10, width=COLUMN - 20, lines=lines)
        parts.append(_box(box, MARGIN + HEAD + GAP + number * (WRITTEN_HEIGHT + GAP), WRITTEN_HEIGHT))
    return parts


def _box(box: Box, top: float, height: float) -> str:
    kind = "k" if box.name in STRONG else "r"
    first = top + (height - LINE * len(box.lines)) / 2 + 5
    texts = [_text("t", box.middle, first, box.name)]
    texts += [_text("s", box.middle, first + 2 + LINE * (n + 1), line) for n, line in enumerate(box.lines)]
    return (
        f'<rect class="{kind}" x="{box.x:.0f}" y="{top:.0f}" width="{box.width:.0f}" height="{height:.0f}" rx="4"/>'
        + "".join(texts)
    )


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{text}</text>'


def _arrow(x: float, top: float) -> str:
    return f'<path class="a" d="M{x:.0f} {top:.0f}v{ARROW - 2}"/>'


if __name__ == "__main__":
    sys.exit(main())
