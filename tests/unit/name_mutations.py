"""Near misses of every name in the shipped diagrams, forms and tables, one at a time, found by walking the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

NAME = r"[A-Za-z_]\w*"
_STRING = re.compile(r"\"([^\"]+)\"|'([^']+)'")
_SPOKEN = frozenset(["and", "or", "not", "in", "if", "else", "True", "False", "None", "true", "false"])

BPMN: tuple[tuple[str, str], ...] = (
    ("role", rf'camunda:candidateGroups="({NAME})"'),
    ("starter role", r'camunda:candidateStarterGroups="([^"]+)"'),
    ("topic", r'camunda:topic="([^"]+)"'),
    ("form key", r'camunda:formKey="([^"]+)"'),
    ("decision key", r'camunda:decisionRef="([^"]+)"'),
    ("result variable", r'camunda:resultVariable="([^"]+)"'),
    ("due expression", r'camunda:(?:dueDate|followUpDate)="\$\{([^"]+)\}"'),
    ("role expression", r'camunda:candidateGroups="\$\{([^"]+)\}"'),
    ("timer expression", r">\$\{([^<]+)\}</bpmn:time"),
    ("property", r'<camunda:property name="([^"]+)"'),
    ("scope expression", r'name="scope" value="([^"]+)"'),
    ("shown expression", r'name="(?:summary|batch)" value=(?:"([^"]+)"|\'([^\']+)\')'),
    ("condition", r"<bpmn:conditionExpression[^>]*>([^<]+)<"),
    ("output parameter", r'<camunda:outputParameter name="([^"]+)"'),
    ("output value", r"<camunda:outputParameter[^>]*>([^<]+)<"),
    ("message", r'<bpmn:message id="[^"]+" name="([^"]+)"'),
    ("lane", r'<bpmn:lane id="[^"]+" name="([^"]+)"'),
    ("process key", r'<bpmn:process id="([^"]+)"'),
    ("process reference", r'processRef="([^"]+)"'),
    ("state word", r'<camunda:property name="state" value="([^"]+)"'),
    ("message reference", r'messageRef="([^"]+)"'),
    ("boundary host", r'attachedToRef="([^"]+)"'),
    ("end of a flow", r' (?:sourceRef|targetRef)="([^"]+)"'),
    ("default flow", r' default="([^"]+)"'),
    ("input parameter", r'<camunda:inputParameter name="([^"]+)"'),
    ("recipient role", r'name="to_role">([^<$]+)<'),
    ("recipient expression", r'name="to_(?:organisation|person)">\$\{([^<]+)\}<'),
    ("host", r'name="url">https://([^/<]+)/'),
    ("method", r'name="method">([^<]+)<'),
    ("secret", r'name="secret">([^<]+)<'),
    ("process started", r'name="process">([^<]+)<'),
    ("template", r'modelerTemplate="([^"]+)"'),
)
FORM: tuple[tuple[str, str], ...] = (
    ("field", r'"key": "([^"]+)"'),
    ("choice value", r'"value": "([^"]+)"'),
    ("component", r'"type": "([^"]+)",\s+"(?:id|key|subtype)"'),
    ("list of choices", r'"valuesKey": "([^"]+)"'),
    ("field property", r'"(show_if|required_if|personal|decimals|note\.\w+)":'),
    ("field rule", r'"(required|maxLength|min|max)":'),
    ("field condition", r'"(?:show_if|required_if)": "([^"]+)"'),
)
DMN: tuple[tuple[str, str], ...] = (
    ("decision", r'<decision id="([^"]+)"'),
    ("table input", r"<inputExpression[^>]*>\s*<text>([^<]+)<"),
    ("table output", r'<output id="[^"]+" label="[^"]+" name="([^"]+)"'),
    ("output values", r"<outputValues[^>]*>\s*<text>([^<]+)<"),
    ("input entry", r"<inputEntry[^>]*>\s*<text>([^<]+)<"),
    ("output entry", r"<outputEntry[^>]*>\s*<text>([^<]+)<"),
    ("href", r'href="#([^"]+)"'),
)
SITES: Mapping[str, tuple[tuple[str, str], ...]] = {".bpmn": BPMN, ".form": FORM, ".dmn": DMN}


@dataclass(frozen=True, slots=True)
class Mutation:
    """One name of one file replaced, in the bundle in which it is deployed."""

    kind: str
    file: str
    line: int
    old: str
    new: str
    files: Mapping[str, bytes] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.kind}: {self.old} → {self.new}"


def mutations(bundles: Mapping[str, Mapping[str, bytes]]) -> Iterator[Mutation]:
    """Mutate each file once, in the first bundle that holds it."""
    seen: set[str] = set()
    for files in bundles.values():
        for file in files:
            if file not in seen:
                seen.add(file)
                yield from _of_file(file, files)


def near_miss(name: str) -> str:
    """Swap two neighbouring letters near the middle; double the last one where all are alike."""
    middle = len(name) // 2
    for at in (*range(middle, len(name) - 1), *range(middle)):
        if name[at] != name[at + 1] and (name[at : at + 2].isalpha() or not name.isascii()):
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name + name[-1]


def _of_file(file: str, files: Mapping[str, bytes]) -> Iterator[Mutation]:
    text = files[file].decode()
    for kind, pattern in SITES[PurePath(file).suffix]:
        for site in re.finditer(pattern, text):
            group = next(at for at in range(1, (site.lastindex or 0) + 1) if site[at] is not None)
            for start, end in _names(kind, site[group]):
                first, last = site.start(group) + start, site.start(group) + end
                old = text[first:last]
                changed = text[:first] + near_miss(old) + text[last:]
                line = text.count("\n", 0, first) + 1
                yield Mutation(kind, file, line, old, near_miss(old), {**files, file: changed.encode()})


def _names(kind: str, text: str) -> Iterator[tuple[int, int]]:
    """The places of the names in what a pattern found: names and the values compared with."""
    if kind in ("lane", "topic", "property", "field property", "field rule", "host", "template"):
        yield 0, len(text)
        return
    strings = [(at.start() + 1, at.end() - 1) for at in _STRING.finditer(text)]
    if kind != "shown expression":  # a text that people read is no name
        yield from strings
    for at in re.finditer(NAME, text):
        if at[0] not in _SPOKEN and not any(start <= at.start() < end for start, end in strings):
            yield at.start(), at.end()
