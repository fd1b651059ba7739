"""The files of a bundle as the rules need them: diagrams, decisions with what they read, forms with personal fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from service.engine.dmn import model
from service.engine.forms.fields import Form
from service.engine.forms.reader import read_form
from service.engine.kernel.camunda_extensions import local_name
from service.engine.kernel.diagram_reader import read_diagram
from service.engine.kernel.types import ValidationIssue
from service.engine.kernel.xml_reader import parse
from service.engine.validation.diagram import Diagram, kind, name_of
from service.engine.validation.model_tests import ScriptRefused, read_model_tests
from service.errors import DefinitionRefused

DMN = "https://www.omg.org/spec/DMN/"


@dataclass(slots=True)
class Bundle:
    """The files read: diagrams; text of each decision by file and id; models by file; forms by key; personal fields;
    problems so far, and those told of an element or field; tests: files of model tests by process. flows: of each
    process, once they are asked for.
    """

    diagrams: list[Diagram] = field(default_factory=list)
    decisions: dict[str, dict[str, str]] = field(default_factory=dict)
    models: dict[str, model.Model] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    personal: set[str] = field(default_factory=set)
    problems: list[ValidationIssue] = field(default_factory=list)
    told: set[ValidationIssue] = field(default_factory=set)
    flows: list[Any] = field(default_factory=list)
    rule: str = ""
    form_files: dict[str, str] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)

    def processes(self) -> dict[str, Any]:
        """Process by id that may be called, over all diagrams."""
        found = [p for d in self.diagrams for p in d.all("process") if p.get("id")]
        return {p.get("id"): p for p in found if p.get("isExecutable") != "false"}

    def refuse(self, file: str, node: Any, zh: str, en: str, remedy: tuple[str, str]) -> None:
        """Note why a file that is no diagram may not be deployed."""
        self._say(file, node, (zh, en, *remedy), "refused")

    def warn(self, file: str, node: Any, zh: str, en: str, remedy: tuple[str, str]) -> None:
        """Note what will surprise in a file that is no diagram."""
        self._say(file, node, (zh, en, *remedy), "warning")

    def note(self, file: str, node: Any, zh: str, en: str, remedy: tuple[str, str]) -> None:
        """Note what is worth knowing of a file that is no diagram."""
        self._say(file, node, (zh, en, *remedy), "note")

    def tell_field(
        self, form: str, key: str, zh: str, en: str, remedy: tuple[str, str], severity: str = "refused"
    ) -> None:
        """Note something about a field of a form."""
        self._add(self.form_files[form], self.lines.get((form, key), 0), key, (zh, en, *remedy), severity)

    def _say(self, file: str, node: Any, texts: tuple[str, str, str, str], severity: str) -> None:
        self._add(file, node.sourceline or 0, name_of(node), texts, severity)

    def _add(self, file: str, line: int, element: str, texts: tuple[str, str, str, str], severity: str) -> None:
        found = ValidationIssue(file, line, element, *texts, rule=self.rule, severity=severity)
        if found not in self.told:
            self.told.add(found)
            self.problems.append(found)

    def facts_of(self, decision: str) -> frozenset[str]:
        """The facts that a decision reads, with those of the decisions it requires."""
        found = next((m for m in self.models.values() if decision in m.nodes), None)
        return facts_read(found, decision) if found else frozenset()

    def outputs(self, decision: str) -> list[tuple[str, frozenset[str]]]:
        """The outputs of a decision, each with the texts it can have, none where they are not listed."""
        made = next((m.decisions[decision] for m in self.models.values() if decision in m.decisions), None)
        if made is None or made.table is None:
            return []
        listed = [frozenset(v for v in column.order if isinstance(v, str)) for column in made.table.outputs]
        return list(zip(made.outputs, listed, strict=True))

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
    for key, file in bundle.tests.items():
        if key not in bundle.processes() and not bundle.problems:
            _refuse_tests(bundle, file, f"没有流程 {key}。", f"There is no process {key}.")
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
    bundle.models[file] = model.Model(data, file)


def _read_form(bundle: Bundle, file: str, data: bytes) -> None:
    form, key = read_form(data), PurePath(file).stem
    bundle.forms[key], bundle.form_files[key] = form, file
    bundle.personal |= {one.key for one in form.fields if one.personal}
    for line, text in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        for name in re.findall(r'"(?:key|id|path)"\s*:\s*"([^"]*)"', text):
            bundle.lines.setdefault((key, name), line)
    bundle.rule = "forms_are_drawn_as_written"
    for fault in form.faults:
        bundle.tell_field(key, fault.key, fault.zh, fault.en, (fault.remedy_zh, fault.remedy_en))


def _read_tests(bundle: Bundle, file: str, data: bytes) -> None:
    bundle.tests[PurePath(file).stem] = file
    try:
        read_model_tests(data)
    except ScriptRefused as misfit:
        _refuse_tests(bundle, file, misfit.zh, misfit.en, misfit.line)


def _refuse_tests(bundle: Bundle, file: str, zh: str, en: str, line: int = 0) -> None:
    remedy = (
        "模型测试写在以流程标识命名的 .yaml 文件中，写法见指南“模型测试”。",
        "Model tests stand in a .yaml file named after the process; the guide shows how, under “Model tests”.",
    )
    bundle.problems.append(ValidationIssue(file, line, "", zh, en, *remedy, rule="model_tests"))


_FEEL_WORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "if",
        "then",
        "else",
        "for",
        "return",
        "some",
        "every",
        "satisfies",
        "between",
        "true",
        "false",
        "null",
        "function",
        "instance",
        "of",
    ]
)


def facts_read(found: model.Model, decision: str) -> frozenset[str]:
    """The names in a decision and in those it requires that come from outside the file."""
    texts, names, todo = [], set[str](), [decision]
    seen: set[str] = set()
    while todo:
        node = found.nodes.get(todo.pop())
        if node is None or node.get("id") in seen:
            continue
        seen.add(node.get("id"))
        names |= {n.get("name") for n in node.iter() if local_name(n) in ("variable", "formalParameter", "output")}
        names.add(node.get("name") or "")
        if local_name(node) == "inputData":
            continue
        texts += [t.text or "" for t in node.iter() if local_name(t) == "text"]
        todo += [(r.get("href") or "").rpartition("#")[2] for r in node.iter() if r.get("href")]
    inputs = {_input_name(found.nodes[name]) for name in seen if local_name(found.nodes[name]) == "inputData"}
    for name in sorted(filter(None, names | inputs), key=len, reverse=True):
        texts = [text.replace(name, " ") if " " in name else text for text in texts]
    read = {name for text in texts for name in _NAMES.findall(_TEXTS.sub('""', text))}
    return frozenset((read - _FEEL_WORDS - (names - inputs) - {""}) | inputs)


def _input_name(node: Any) -> str:
    variable = next((n for n in node if local_name(n) == "variable"), None)
    return str((variable.get("name") if variable is not None else "") or node.get("name") or "")


_TEXTS = re.compile(r'"(?:\\.|[^"\\])*"')
_NAMES = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\w|\s*\()")


def _refuse_file(bundle: Bundle, file: str, data: bytes) -> None:
    bundle.problems.append(
        ValidationIssue(
            file,
            0,
            "",
            "不认识的文件类型。",
            "Unknown kind of file.",
            "只部署 .bpmn、.dmn、.form 和模型测试 .yaml 文件。",
            "Deploy .bpmn, .dmn, .form and, of model tests, .yaml files only.",
        )
    )


_READERS = {
    ".bpmn": _read_diagram,
    ".xml": _read_diagram,
    ".dmn": _read_decisions,
    ".form": _read_form,
    ".yaml": _read_tests,
}


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
                        f"决策表读取了个人信息字段：{'、'.join(read)}。",
                        f"The decision reads a personal field: {', '.join(read)}.",
                        "改用编号或结论。",
                        "Use ids or decisions.",
                    )
                )
