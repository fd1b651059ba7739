"""Messages of the XML schema's checker in plain Chinese and English."""

from __future__ import annotations

import re

_SAYINGS: tuple[tuple[str, str, str], ...] = (
    (
        r"Element '(\w+)', attribute '(\w+)': '(.*)' is not a valid value of the atomic type 'xs:ID'\.",
        "{0} 的 id“{2}”与别的元素重复，或不是合法的名称",
        'the id "{2}" of {0} is not unique, or is no valid name',
    ),
    (
        r"Element '(\w+)', attribute '(\w+)': '(.*)' is not a valid value of .*",
        "{0} 的属性 {1} 的值“{2}”不合法",
        'the value "{2}" of the attribute {1} of {0} is not valid',
    ),
    (
        r"Element '(\w+)', attribute '(\w+)': The QName value '(.*)' has no .*",
        "{0} 的 {1} 中“{2}”的前缀没有声明",
        'the prefix of "{2}" in {1} of {0} is not declared',
    ),
    (
        r"Element '(\w+)', attribute '(\w+)': The attribute .* is not allowed\.",
        "{0} 不能有属性 {1}",
        "{0} may not have the attribute {1}",
    ),
    (
        r"Element '(\w+)': The attribute '(\w+)' is required but missing\.",
        "{0} 缺少属性 {1}",
        "{0} lacks the attribute {1}",
    ),
    (
        r"Element '(\w+)': This element is not expected\..*",
        "{0} 不能放在这里，或次序不对",
        "{0} may not stand here, or stands in the wrong order",
    ),
    (
        r"Element '(\w+)': Missing child element\(s\)\. Expected is .*?\( (.*) \)\.",
        "{0} 缺少子元素({1})",
        "{0} lacks a child element ({1})",
    ),
    (
        r"Element '(\w+)': Character content other than whitespace is not allowed.*",
        "{0} 中不能有文字",
        "{0} may not hold text",
    ),
)


def in_words(message: str) -> tuple[str, str]:
    """A message of the schema checker as a clause in Chinese and in English."""
    bare = re.sub(r"\{[^}]*\}", "", message)
    for pattern, zh, en in _SAYINGS:
        found = re.fullmatch(pattern, bare, re.DOTALL)
        if found:
            return zh.format(*found.groups()), en.format(*found.groups())
    named = re.match(r"Element '(\w+)'", bare)
    element = named.group(1) if named else ""
    return f"{element} 的写法不合架构", f"{element or 'something here'} is not as the schema has it"
