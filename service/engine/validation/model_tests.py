"""The one reader of files of model tests: who does what in a case, and the path expected."""

from __future__ import annotations

import json
from typing import Any

import yaml

TEST_KEYS = frozenset(["name", "name_en", "start", "topics", "steps", "path", "waits", "ends"])


class ScriptRefused(Exception):
    """The script asks for what the case does not offer; the two texts say what."""


class _Loader(yaml.SafeLoader):
    """Refuses anchors and aliases: a few bytes of them stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if getattr(event, "anchor", None):
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: no anchors (&) and aliases (*)")
        return super().compose_node(parent, index)


def read_model_tests(text: bytes) -> list[dict[str, Any]]:
    """Read a file of model tests, YAML: each a script with a ``name`` (``name_en`` beside it) and what it expects.

    Raises ScriptRefused for what is none.
    """
    try:
        read = _Loader(text.decode("utf-8-sig")).get_single_data()
        json.dumps(read, allow_nan=False)
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise ScriptRefused(
            f"不是只有文字、数字、列表和键值的 YAML：{said}",
            f"This is no YAML of texts, numbers, lists and mappings: {said}",
        ) from error
    tests: list[Any] = [] if read is None else read if isinstance(read, list) else [None]
    for number, one in enumerate(tests, 1):
        _check_model_test(number, one)
    return tests


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
