"""Bytes of an XML file → a tree that may be trusted as a tree: no DTD, no entities, no network, bounded size.

No BPMN rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from lxml import etree

from service.engine.kernel.types import ValidationIssue
from service.engine.kernel.xml_messages import in_words
from service.errors import DefinitionRefused

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"  # shapes, edges and labels of a drawing
DC, DD = "http://www.omg.org/spec/DD/20100524/DC", "http://www.omg.org/spec/DD/20100524/DI"  # bounds; waypoints
XSI = "http://www.w3.org/2001/XMLSchema-instance"

MAX_BYTES = 5_000_000  # of one file; the longest shipped diagram has 90 kB
MAX_DEPTH = 200
MAX_ELEMENTS = 50_000
MAX_TEXT = 200_000  # characters of one text or attribute
ENCODINGS = frozenset(
    [
        "utf-8",
        "utf8",
        "utf-16",
        "utf-16le",
        "utf-16be",
        "us-ascii",
        "ascii",
        "iso-8859-1",
        "latin-1",
        "latin1",
        "iso-8859-15",
        "windows-1252",
        "gb2312",
        "gbk",
        "gb18030",
        "big5",
    ]
)

LIMITS = {"depth": MAX_DEPTH, "elements": MAX_ELEMENTS, "text": MAX_TEXT, "encodings": sorted(ENCODINGS)}

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_DECLARATION = re.compile(r"^\s*<\?xml\b[^>]*\?>")
_PROLOG = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class References:
    """The names in a diagram: its own executable processes, and what must lie beside it in the bundle."""

    processes: tuple[str, ...]
    forms: tuple[str, ...]
    decisions: tuple[str, ...]
    called: tuple[str, ...]


def parse(data: bytes, file: str) -> Any:
    """The root element of an XML file (lxml; comments and processing instructions are dropped).

    Raises DefinitionRefused with one problem: too large, unreadable encoding, NUL bytes, a DOCTYPE, not well-formed,
    too deep. Lines are those of the file.
    """
    text = text_of(data, file)
    body = _DECLARATION.sub("", text, count=1)
    prolog = _PROLOG.match(body)
    if body[prolog.end() if prolog else 0 :].startswith("<!DOCTYPE"):
        line = text[: text.index("<!DOCTYPE")].count("\n") + 1
        _refuse(
            file, line, "文件含有 DOCTYPE 声明。", "The file has a DOCTYPE.", "删去 DOCTYPE。", "Remove the DOCTYPE."
        )
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        zh, en = in_words(error.msg)
        _refuse(
            file,
            error.lineno or 0,
            f"文件不是完整的 XML:{zh}(第 {(error.offset or 0) + 1} 个字符)。",
            f"The file is not well-formed XML: {en} (character {(error.offset or 0) + 1}).",
            "用建模工具重新导出该文件。",
            "Export the file again from the modelling tool.",
        )
    _measure(root, file)
    return root


def text_of(data: bytes, file: str) -> str:
    """Decode a file as it declares itself. Raises DefinitionRefused for another encoding, or what is none of its."""
    if len(data) > MAX_BYTES:
        _refuse(file, 0, "文件超过 5 MB。", "The file is larger than 5 MB.", "拆分流程图。", "Split the diagram.")
    if not data.strip():
        _refuse(file, 0, "文件是空的。", "The file is empty.", "上传正确的文件。", "Upload the right file.")
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    found = _DECLARED.match(data[:400].removeprefix(b"\xef\xbb\xbf"))
    name = "utf-16" if wide else found.group(1).decode("ascii").lower() if found else "utf-8"
    if name not in ENCODINGS:
        _refuse(
            file,
            1,
            f"不支持编码 {name}。",
            f"The encoding {name} is not supported.",
            "另存为 UTF-8。",
            "Save it as UTF-8.",
        )
    try:
        text = data.decode(name).removeprefix("\ufeff")
    except UnicodeError as error:
        _refuse(
            file,
            _line_of(data, name, error),
            f"文件内容不是有效的 {name}。",
            f"The bytes are not valid {name}.",
            "另存为 UTF-8。",
            "Save it as UTF-8.",
        )
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        _refuse(
            file,
            line,
            "文件含有 NUL 字节。",
            "The file holds a NUL byte.",
            "重新导出该文件。",
            "Export the file again.",
        )
    return text


def _line_of(data: bytes, encoding: str, error: UnicodeError) -> int:
    """The line of the bytes at which decoding failed; 0 when the codec does not say where."""
    if not isinstance(error, UnicodeDecodeError):
        return 0
    return data[: error.start].decode(encoding, "ignore").count("\n") + 1


def _measure(root: Any, file: str) -> None:
    depth = count = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "end":
            continue
        count += 1
        values = (element.text or "", element.tail or "", *element.attrib.values())
        if depth > MAX_DEPTH or count > MAX_ELEMENTS or max(map(len, values)) > MAX_TEXT:
            _refuse(
                file,
                element.sourceline or 0,
                "文件嵌套过深、元素过多或文字过长。",
                "The file is nested too deeply, or has too many elements or too long a text.",
                "拆分流程图。",
                "Split the diagram.",
            )
    if root.getroottree().docinfo.internalDTD is not None:
        _refuse(file, 1, "文件含有 DOCTYPE 声明。", "The file has a DOCTYPE.", "删去 DOCTYPE。", "Remove the DOCTYPE.")


def _refuse(file: str, line: int, zh: str, en: str, remedy_zh: str, remedy_en: str) -> NoReturn:
    raise DefinitionRefused([ValidationIssue(file, line, "", zh, en, remedy_zh, remedy_en)])


def references_in(root: Any) -> References:
    """Read the names in a diagram, in document order."""
    return References(
        processes=_unique(p.get("id") for p in root.iter(f"{{{BPMN}}}process") if p.get("isExecutable") != "false"),
        forms=_unique(e.get(f"{{{CAMUNDA}}}formKey") for e in root.iter(f"{{{BPMN}}}*")),
        decisions=_unique(e.get(f"{{{CAMUNDA}}}decisionRef") for e in root.iter(f"{{{BPMN}}}businessRuleTask")),
        called=_unique(e.get("calledElement") for e in root.iter(f"{{{BPMN}}}callActivity")),
    )


def _unique(names: Iterator[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
