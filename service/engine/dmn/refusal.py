"""Refusals of a decision model when it is read, with the place in the file; and the small steps through its XML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from service.engine.feel.compiler import Words
from service.engine.feel.lexer import SyntaxProblem

T = TypeVar("T")


class Refused(Exception):
    """A part of a model is refused: the reason in Chinese and English, and the line.

    ``follows``: only because something else is refused that it needs.
    """

    def __init__(self, line: int, zh: str, en: str, *, follows: bool = False) -> None:
        super().__init__(zh)
        self.line, self.zh, self.en, self.follows = line, zh, en, follows


class Several(Exception):
    """Several parts are refused."""

    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__(f"{len(refusals)} parts are refused")
        self.refusals = refusals


def refuse(node: Any, zh: str, en: str) -> Refused:
    """A refusal at an element."""
    return Refused(node.sourceline or 0, zh, en)


def local(node: Any) -> str:
    """The name of an element without its namespace."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def children(node: Any, *names: str) -> list[Any]:
    """The child elements of these names."""
    return [child for child in node if local(child) in names]


def child(node: Any, name: str) -> Any:
    """The one child of that name, or None. Raises Refused where there are several: all but one would be lost."""
    found = children(node, name)
    if len(found) > 1:
        raise refuse(
            found[1], f"{name} 写了 {len(found)} 次，只能写一次。", f"{name} is given {len(found)} times, not once."
        )
    return found[0] if found else None


def text_in(node: Any) -> str:
    """The text of an entry or expression; its language must be FEEL."""
    language = (node.get("expressionLanguage") or "feel").lower().rstrip("/")
    if language.rpartition("/")[2] != "feel":
        raise refuse(
            node,
            f"不支持表达式语言 {language}。",
            f"The expression language {language} is not supported: only FEEL is.",
        )
    if child(node, "importedValues") is not None:
        raise refuse(node, "不支持引入的值。", "Imported values are not supported.")
    found = child(node, "text")
    return ((found.text if found is not None else "") or "").strip()


def compiled(node: Any, text: str, words: Words, compile_: Callable[[str, Words], T], *, strict: bool) -> T:
    """A text of an element, compiled; ``strict`` refuses a date, time or duration that does not exist."""
    found = child(node, "text")
    line = (found if found is not None else node).sourceline or 0
    before = len(words.bad_literals)
    try:
        made = compile_(text, words)
        if strict and len(words.bad_literals) > before:
            raise words.bad_literals[before]
    except SyntaxProblem as problem:
        at, row = f"第 {problem.column} 个字符", problem.line - 1
        raise Refused(
            line + row,
            f"FEEL 表达式“{text[:100]}”的{f'第 {row + 1} 行' * bool(row)}{at}:{problem.zh}。",
            f"FEEL expression “{text[:100]}”，{f'line {row + 1} ' * bool(row)}character {problem.column}:"
            f" {problem.en}.",
        ) from problem
    return made
