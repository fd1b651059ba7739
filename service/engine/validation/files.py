"""The files of a bundle as the rules need them: diagrams, decisions with what they read, forms with personal fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from service.engine.dmn import model
from service.engine.kernel.diagram_reader import read_diagram
from service.engine.kernel.types import ValidationIssue
from service.engine.kernel.xml_reader import parse
from service.engine.validation.diagram import Diagram, kind
from service.errors import DefinitionRefused

DMN = "https://www.omg.org/spec/DMN/"


@dataclass(slots=True)
class Bundle:
    """The files read: diagrams; text of each decision by file and id; keys of forms;
    personal fields; problems so far.
    """

    diagrams: list[Diagram] = field(default_factory=list)
    decisions: dict[str, dict[str, str]] = field(default_factory=dict)
    forms: set[str] = field(default_factory=set)
    personal: set[str] = field(default_factory=set)
    problems: list[ValidationIssue] = field(default_factory=list)

    def processes(self) -> dict[str, Any]:
        """Process by id that may be called, over all diagrams."""
        found = [p for d in self.diagrams for p in d.all("process") if p.get("id")]
        return {p.get("id"): p for p in found if p.get("isExecutable") != "false"}

    def decision_ids(self) -> set[str]:
        """Every decision of the bundle."""
        return {name for tables in self.decisions.values() for name in tables}


def read_bundle(files: Mapping[str, bytes]) -> Bundle:
    """Read every file; one that cannot be read becomes a problem."""
    bundle = Bundle()
    for file, data in sorted(files.items()):
        try:
            _READERS.get(PurePath(file).suffix, _refuse_file)(bundle, file, data)
        except DefinitionRefused as refused:
            bundle.problems += refused.problems
    if not bundle.diagrams and not bundle.problems:
        bundle.problems.append(
            ValidationIssue("", 0, "", "没有流程图。", "There is no diagram.", "加入 .bpmn 文件。", "Add a .bpmn file.")
        )
    return bundle


def _read_diagram(bundle: Bundle, file: str, data: bytes) -> None:
    root = read_diagram(data, file)
    if kind(root) == "definitions":
        bundle.diagrams.append(Diagram(file, root))
        return
    bundle.problems.append(
        ValidationIssue(
            file,
            root.sourceline or 0,
            "",
            "文件不是 BPMN 2.0 流程图。",
            "The file is no BPMN 2.0 diagram.",
            "上传 .bpmn 文件。",
            "Upload a .bpmn file.",
        )
    )


def _read_decisions(bundle: Bundle, file: str, data: bytes) -> None:
    root = parse(data, file)
    tables = [e for e in root.iter() if str(e.tag).startswith(f"{{{DMN}") and str(e.tag).endswith("}decision")]
    bundle.decisions[file] = {e.get("id", ""): " ".join(e.itertext()) for e in tables}
    bundle.problems += model.problems(data, file)


def _read_form(bundle: Bundle, file: str, data: bytes) -> None:
    bundle.forms.add(PurePath(file).stem)
    try:
        fields = list(_fields(json.loads(data)["components"]))
        bundle.personal |= {f["key"] for f in fields if f.get("key") and _is_personal(f)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        bundle.problems.append(
            ValidationIssue(
                file,
                0,
                "",
                "表单文件不是 form-js 的 JSON。",
                "The form is not form-js JSON.",
                "用表单编辑器重新导出。",
                "Export it again from the form editor.",
            )
        )


def _fields(components: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for each in components:
        yield each
        yield from _fields(each.get("components") or ())


def _is_personal(each: dict[str, Any]) -> bool:
    return str((each.get("properties") or {}).get("personal", "")).lower() == "true"


def _refuse_file(bundle: Bundle, file: str, data: bytes) -> None:
    bundle.problems.append(
        ValidationIssue(
            file,
            0,
            "",
            "不认识的文件类型。",
            "Unknown kind of file.",
            "只部署 .bpmn、.dmn 和 .form 文件。",
            "Deploy .bpmn, .dmn and .form files only.",
        )
    )


_READERS = {".bpmn": _read_diagram, ".xml": _read_diagram, ".dmn": _read_decisions, ".form": _read_form}


def decisions_read_nothing_personal(bundle: Bundle) -> None:
    """No decision table reads a form field marked ``personal``."""
    for file, tables in bundle.decisions.items():
        for name, text in tables.items():
            read = sorted(set(re.findall(r"\w+", text)) & bundle.personal)
            if read:
                bundle.problems.append(
                    ValidationIssue(
                        file,
                        0,
                        name,
                        f"决策表读取了个人信息字段:{'、'.join(read)}。",
                        f"The decision reads a personal field: {', '.join(read)}.",
                        "改用编号或结论。",
                        "Use ids or decisions.",
                    )
                )
