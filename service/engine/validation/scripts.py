"""Scripts and expressions: plain Starlark that parses, imports nothing, and reads no personal field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from service.engine.kernel.camunda_extensions import script_in
from service.engine.kernel.xml_reader import BPMN, CAMUNDA
from service.engine.starlark import sandbox
from service.engine.validation.allow_list import CONDITIONS, EXPRESSION_PROPERTIES, EXPRESSIONS, LANGUAGES
from service.engine.validation.diagram import (
    Diagram,
    camunda,
    children,
    kind,
    local,
    process_of,
    words,
)

TIMES = ("timeDate", "timeDuration", "timeCycle")
XPATH = "http://www.w3.org/1999/xpath"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
MAY_BE_EXPRESSION = (
    *(("userTask", name) for name in ("candidateGroups", "assignee", "dueDate", "followUpDate", "priority")),
    ("multiInstanceLoopCharacteristics", "collection"),
)
Problem4 = tuple[str, str, str, str]

JAVA = re.compile(r"&&|\|\||!(?!=)|\b(?:true|false|null)\b")
_STRINGS = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*")
BUILTINS = frozenset(
    [
        "abs",
        "all",
        "any",
        "bool",
        "chr",
        "dict",
        "dir",
        "enumerate",
        "fail",
        "filter",
        "getattr",
        "hasattr",
        "hash",
        "int",
        "len",
        "list",
        "map",
        "max",
        "min",
        "ord",
        "print",
        "range",
        "repr",
        "reversed",
        "sorted",
        "str",
        "tuple",
        "type",
        "zip",
    ]
)


def bare(expression: str) -> str:
    """An expression without the ``${…}`` around it."""
    found = re.fullmatch(r"[$#]\{(.*)\}", expression.strip(), re.DOTALL)
    return (found.group(1) if found else expression).strip()


def scripts(d: Diagram) -> Iterator[tuple[Any, str, bool]]:
    """Every piece of Starlark in a diagram: the element, the text, and whether it is one expression."""
    for element in d.all("script"):
        yield element, script_in(element), False
    for element in d.all(*EXPRESSIONS):
        yield element, bare(words(element)), True
    for tag, name in MAY_BE_EXPRESSION:
        for element in d.all(tag):
            value = camunda(element, name) or ""
            if "${" in value or "#{" in value:
                yield element, bare(value), True
    for time in d.all("timeDate", "timeDuration"):
        if "${" in words(time):
            yield time, bare(words(time)), True
    for holder in d.all("extensionElements"):
        for element in holder.iter(
            f"{{{CAMUNDA}}}property", f"{{{CAMUNDA}}}inputParameter", f"{{{CAMUNDA}}}outputParameter"
        ):
            yield from _extension(element)


def _extension(element: Any) -> Iterator[tuple[Any, str, bool]]:
    value = element.get("value", "") if local(element) == "property" else words(element)
    has_meaning = local(element) == "property" and element.get("name") in EXPRESSION_PROPERTIES
    if has_meaning or "${" in value:
        yield element, bare(value), True


def problem_of(text: str, expression: bool, functions: tuple[str, ...] = ()) -> Problem4 | None:
    """The reason why a text is refused as Starlark (zh, en, how to mend it in both), or None."""
    if JAVA.search(_STRINGS.sub('""', text)):
        return (
            "Starlark 中没有 true、false、null、&&、||、!。",
            "Starlark has no true, false, null, &&, || or !.",
            "用 True、False、None、and、or、not。",
            "Write True, False, None, and, or, not.",
        )
    try:
        found = sandbox.problems(text, not expression, functions)
    except sandbox.NoAnswer as silent:
        return f"{silent}。", "The sandbox did not answer, the machine is busy.", "稍后再试。", "Try again later."
    for _line, zh, en in found:
        return f"{zh}。", f"{en}.", "改正脚本(Starlark)。", "Correct the script (Starlark)."
    unknown = sorted(_called(text, expression) - BUILTINS - set(functions))
    if unknown:
        names = ", ".join(unknown)
        return (
            f"没有函数 {names}。",
            f"There is no function {names}.",
            "改由服务任务完成。",
            "Let a service task do it.",
        )
    return None


def _called(text: str, expression: bool) -> set[str]:
    tree = ast.parse(text.strip(), mode="eval" if expression else "exec")
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)} - own


def scripts_are_starlark(d: Diagram, functions: tuple[str, ...] = ()) -> None:
    """Every script and expression parses, calls known functions, and a condition is no constant of another kind."""
    for element, text, expression in scripts(d):
        if not text and expression:
            continue
        problem = problem_of(text, expression, functions)
        if problem:
            d.refuse(element, *problem)
        elif kind(element) in CONDITIONS and re.fullmatch(r"-?\d+|\"[^\"]*\"|'[^']*'|None|\[.*\]|\{.*\}", text):
            d.refuse(
                element,
                "条件不是真假值。",
                "The condition is no truth value.",
                "写一个比较，例如 count > 3。",
                "Write a comparison.",
            )


def languages_are_starlark(d: Diagram) -> None:
    """No script or expression says it is in another language."""
    for element in d.all("scriptTask", *EXPRESSIONS, "timeDate", "timeDuration", "timeCycle"):
        language = (element.get("scriptFormat") or element.get("language") or "").strip().lower()
        silent = kind(element) == "scriptTask" and not any(script_in(s) for s in children(element, "script"))
        if language not in LANGUAGES and not silent:
            _refuse_language(d, element, language)
    default = (d.root.get("expressionLanguage") or "").strip().lower()
    asked = [e for e in d.all(*EXPRESSIONS) if not e.get("language")]
    if default == XPATH and asked:
        d.warn(
            d.root,
            "expressionLanguage 写的是 XPath(BPMN 的缺省值):表达式按 Starlark 执行。",
            "expressionLanguage is XPath, BPMN's default: the expressions are read as Starlark.",
            "删去该属性，并核对条件。",
            "Remove the attribute, and check the conditions.",
        )
    elif default not in LANGUAGES and asked:
        _refuse_language(d, d.root, default)


def expressions_are_formal(d: Diagram) -> None:
    """An expression that does not say it is formal is natural language (BPMN 2.0 §8.4.6): read all the same."""
    for element in d.all(*EXPRESSIONS, *TIMES):
        process = process_of(element)
        if process is None or process.get("isExecutable") != "true":
            continue
        prefix, _, name = (element.get(XSI_TYPE) or "").rpartition(":")
        if name != "tFormalExpression" or element.nsmap.get(prefix or None) != BPMN:
            d.warn(
                element,
                f"{kind(element)} 没有写明是正式表达式，按正式表达式执行。",
                f"The {kind(element)} does not say it is a formal expression: it is read as one.",
                '加上 xsi:type="bpmn:tFormalExpression"。',
                'Add xsi:type="bpmn:tFormalExpression".',
            )


def _refuse_language(d: Diagram, element: Any, language: str) -> None:
    d.refuse(
        element,
        f"不支持语言 {language}：标准让引擎自定语言(BPMN 2.0 §8.4.6),这里是 Starlark。",
        f"The language {language} is not supported: BPMN 2.0 leaves it to the engine (§8.4.6), here it is Starlark.",
        "脚本和条件用 Starlark。",
        "Write scripts and conditions in Starlark.",
    )


_COMPARED = re.compile(r"""[=!]=\s*("[^"\\]*"|'[^'\\]*')""")


def personal_fields_are_not_read(d: Diagram, personal: frozenset[str]) -> None:
    """No script, condition or expression reads a form field marked ``personal``.

    A text that something is compared with is a value and reads nothing.
    """
    for element, text, _ in scripts(d):
        read = sorted(set(re.findall(r"\w+", _COMPARED.sub("", text))) & personal)
        if read:
            d.refuse(
                element,
                f"表达式读取了个人信息字段：{'、'.join(read)}。",
                f"The expression reads a personal field: {', '.join(read)}.",
                "流程不得依据个人信息字段分支，改用编号或结论。",
                "A process may not depend on personal fields: use ids or decisions.",
            )


RULES = (languages_are_starlark, expressions_are_formal)
