"""The one reader of files of model tests: who does what in a case, and the path expected."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

TEST_KEYS = frozenset(["name", "name_en", "start", "topics", "steps", "path", "waits", "ends"])


PLAIN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))

_NOT_CLOSED = (
    "引号或括号没有成对，或者缩进没有对齐：同一层的各行左边要对齐，用空格。",
    "a quotation mark or bracket is not closed, or the indentation is uneven: align the lines of one level by spaces.",
)
_SAID = {
    "mapping values are not allowed": (
        "这里多了一个冒号，或者缩进没有对齐：一行写一个“键: 值”，文字里有冒号时加引号。",
        "there is a colon too many, or the indentation is uneven: write one “key: value” a line, and quote a text that"
        " has a colon.",
    ),
    "could not find expected ':'": (
        "这里少了冒号：写成“键: 值”，冒号后空一格。",
        "a colon is missing: write “key: value”, with a blank after the colon.",
    ),
    r"'\\t' that cannot start": ("这一行用制表符缩进：请改用空格。", "this line is indented with a tab: use spaces."),
    "cannot start any token": (
        "这里的符号不能开头：给这段文字加引号。",
        "a text cannot begin with this sign: put it in quotes.",
    ),
    "tag": (
        "不能写标签（感叹号开头的词）：删去，或给文字加引号。",
        "tags (words that begin with “!”) cannot stand here: remove it, or quote the text.",
    ),
    "unhashable": ("键应是文字。", "a key is a text."),
    "another document": (
        "一个文件只写一份列表：删去“---”之后的内容。",
        "a file holds one list: remove what follows “---”.",
    ),
}
"""Part of a complaint of the parser → what it means, and what to do."""


class ScriptRefused(Exception):
    """The script asks for what the case does not offer; the two texts say what. line: of the file, or 0."""

    def __init__(self, zh: str, en: str, line: int = 0) -> None:
        super().__init__(zh, en)
        self.zh, self.en, self.line = zh, en, line


class _Loader(yaml.SafeLoader):
    """Refuses anchors and aliases: a few bytes of them stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if getattr(event, "anchor", None):
            raise ScriptRefused(
                "不能用锚点（&）和别名（*）：请把内容写全，或给这段文字加引号。",
                "Anchors (&) and aliases (*) cannot be used: write the content out, or quote the text.",
                event.start_mark.line + 1,
            )
        node = super().compose_node(parent, index)
        if node.tag not in PLAIN or node.value in (".nan", ".inf", "-.inf"):
            raise ScriptRefused(
                "这里的值会被读成日期或别的类型：给它加引号，写成文字。",
                "This would be read as a date or another type: put it in quotes, as a text.",
                node.start_mark.line + 1,
            )
        return node


def read_model_tests(text: bytes) -> list[dict[str, Any]]:
    """Read a file of model tests, YAML: each a script with a ``name`` (``name_en`` beside it) and what it expects.

    Raises ScriptRefused for what is none.
    """
    try:
        loader = _Loader(text.decode("utf-8-sig"))
        node = loader.get_single_node()
        read = None if node is None else loader.construct_document(node)
        json.dumps(read, allow_nan=False)
    except yaml.MarkedYAMLError as error:
        raise _refused(error) from error
    except UnicodeDecodeError as error:
        raise ScriptRefused("文件不是 UTF-8 编码的文字。", "The file is no text in UTF-8.") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise ScriptRefused(
            "文件里有不能显示的字符、过大的数，或者嵌套太深：只写文字、数字、列表和键值。",
            "There is a sign that cannot be shown, a number that is too large, or too deep a nesting: write texts,"
            " numbers, lists and mappings only.",
        ) from error
    tests: list[Any] = [] if read is None else read if isinstance(read, list) else [None]
    lines = [one.start_mark.line + 1 for one in node.value] if isinstance(node, yaml.SequenceNode) else [1]
    for number, (one, line) in enumerate(zip(tests, lines, strict=False), 1):
        try:
            _check_model_test(number, one)
        except ScriptRefused as misfit:
            raise ScriptRefused(misfit.zh, misfit.en, line) from misfit
    return tests


def _refused(error: yaml.MarkedYAMLError) -> ScriptRefused:
    """Say what the parser complains of in other words, at its line."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    zh, en = next((said for part, said in _SAID.items() if re.search(part, f"{error.problem}")), _NOT_CLOSED)
    return ScriptRefused(f"第 {line} 行读不懂：{zh}", f"Line {line} cannot be read: {en}", line)


def _check_model_test(number: int, one: Any) -> None:
    if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not one["name"].strip():
        raise ScriptRefused(
            f"第 {number} 项不是测试：应写成列表（以“- ”开头），每项有 name。",
            f"Test {number} is none: write a list (each begins with “- ”), each with a name.",
        )
    if strange := sorted(map(str, set(one) - TEST_KEYS)):
        raise ScriptRefused(
            f"测试“{one['name']}”不能有 {strange[0]}，只能有 {'、'.join(sorted(TEST_KEYS))}。",
            f"The test “{one['name']}” may not have {strange[0]}, only {', '.join(sorted(TEST_KEYS))}.",
        )
    kinds = {"start": dict, "topics": dict, "steps": list, "path": list, "waits": list, "ends": bool, "name_en": str}
    for name, kind in kinds.items():
        if name in one and not isinstance(one[name], kind):
            word = {dict: ("键值", "a mapping"), list: ("列表", "a list"), bool: ("true 或 false", "true or false")}
            zh, en = word.get(kind, ("文字", "a text"))
            raise ScriptRefused(
                f"测试“{one['name']}”的 {name} 应是{zh}。", f"{name} of the test “{one['name']}” should be {en}."
            )
