"""Faults of a file that is no XML, in plain Chinese and English."""

from __future__ import annotations

import re

_SAYINGS: tuple[tuple[str, str, str], ...] = (
    (r"Opening and ending tag mismatch: (\S+) .*", "元素 {0} 没有结束", "the element {0} is not closed"),
    (r"Premature end of data in tag (\S+) .*", "元素 {0} 没有结束", "the element {0} is not closed"),
    (r"Couldn't find end of Start Tag (\S+).*", "元素 {0} 的标签没有写完", "the tag of {0} is not finished"),
    (r"Extra content at the end of the document.*", "根元素之后还有内容", "something follows the root element"),
    (r"Document is empty.*", "没有内容", "it has no content"),
    (r"Start tag expected.*", "没有根元素", "it has no root element"),
    (
        r"Namespace prefix (\S+) .*is not defined.*",
        "命名空间前缀 {0} 没有声明",
        "the namespace prefix {0} is not declared",
    ),
    (r"(?:xmlns:?\S*: )?'?(.*?)'? is not a valid URI.*", "“{0}”不是合法的 URI", '"{0}" is no valid URI'),
    (r"Specification mandates value for attribute (\S+?),.*", "属性 {0} 没有值", "the attribute {0} has no value"),
    (r"AttValue: .*", "属性的值没有引号", "the value of an attribute has no quotes"),
    (r"Attribute (\S+) redefined.*", "属性 {0} 写了两次", "the attribute {0} is there twice"),
    (r"Unescaped '<' not allowed in attributes values.*", "属性的值里有“<”", 'the value of an attribute has a "<"'),
    (r"Entity '(\w+)' not defined.*", "实体 {0} 没有定义", "the entity {0} is not defined"),
    (r"(?:EntityRef|xmlParseEntityRef): .*", "“&”后面不是实体", 'after "&" comes no entity'),
    (
        r"(?:PCDATA|CharData|Char|xmlParseCharRef).*",
        "有 XML 不允许的字符",
        "a character is none of XML's",
    ),
    (r"Excessive depth in document.*", "元素嵌套过深", "its elements are nested too deeply"),
)


def in_words(message: str) -> tuple[str, str]:
    """The fault that a parser found, in Chinese and in English."""
    for pattern, zh, en in _SAYINGS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return zh.format(*found.groups()), en.format(*found.groups())
    return "此处的写法不合规则", "what stands here breaks its rules"
