"""Source text of FEEL → tokens. Names may have spaces and signs: the known ones are looked for first, longest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lark import Token
from lark.lexer import Lexer

MAX_SOURCE = 20_000  # characters of one expression
MAX_NESTED = 60  # brackets in brackets

_LETTER = r"[^\W\d]|[?\U00010000-\U000EFFFF]"
_PART = r"[\w?·\U00010000-\U000EFFFF]"
_WORD = rf"(?:{_LETTER}){_PART}*"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
_STRING = r'"(?:[^"\\\r\n]|\\[^\r\n])*"'
_BLANK = r"(?:\s|//[^\n]*|/\*.*?\*/)+"
_SIGN = r"\[\s*\]|\*\*|\.\.|->|<=|>=|!=|[-+*/=<>()\[\]{}:,.]"
_TOKEN = re.compile(
    rf"(?P<BLANK>{_BLANK})|(?P<NUMBER>{_NUMBER})|(?P<AT>@\s*{_STRING})|(?P<STRING>{_STRING})"
    rf"|(?P<NAME>{_WORD})|(?P<SIGN>{_SIGN})",
    re.DOTALL,
)
_INSTANCE = re.compile(r"instance\s+of\b")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{6})|\\(.)", re.DOTALL)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}

_QUOTED = re.compile(rf"{_STRING}|{_BLANK}", re.DOTALL)
_LONG = rf"{_WORD}(?:(?:\s*[-+*/.']\s*|\s+){_PART}+)+"
_DECLARED = re.compile(rf"[{{,(]\s*({_LONG})\s*:(?!:)")
_PARAMETERS = re.compile(r"\bfunction\s*\(([^()]*)\)")

KEYWORDS = frozenset(
    [
        *("if", "then", "else", "for", "return", "some", "every", "in", "satisfies", "between", "and", "or"),
        *("instance", "function", "external", "true", "false", "null"),
    ]
)
_PLAIN = rf"(?!(?:{'|'.join(KEYWORDS)})\b){_WORD}"
_ITERATED = re.compile(rf"(?:\bfor|\bsome|\bevery|,)\s+({_PLAIN}(?:\s+{_PLAIN})+)\s+in\b")


class SyntaxProblem(Exception):
    """An expression cannot be read: where (line and column in it, from 1), and why in Chinese and English."""

    def __init__(self, line: int, column: int, zh: str, en: str) -> None:
        super().__init__(zh)
        self.line, self.column, self.zh, self.en = line, column, zh, en


@dataclass(frozen=True, slots=True)
class Source:
    """A text to be read, with the names that are known in it."""

    text: str
    names: frozenset[str]
    are_tests: bool = False


class NameLexer(Lexer):
    """The lexer of the parser library: keywords and signs are those the grammar names."""

    def __init__(self, conf: Any) -> None:
        self.kinds = {t.pattern.value: t.name for t in conf.terminals if t.pattern is not None}

    __future_interface__ = 1  # of the library: the state holds what was given to parse, here a Source

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        """The tokens of a Source. Raises SyntaxProblem."""
        source, depth = lexer_state.text, 0
        for token in _tokens(source):
            kind = self._kind(token, source)
            depth += (kind in ("LPAR", "LSQB", "LBRACE")) - (kind in ("RPAR", "RSQB", "RBRACE"))
            if depth > MAX_NESTED:
                raise problem(token, f"括号嵌套超过 {MAX_NESTED} 层", f"more than {MAX_NESTED} brackets in brackets")
            yield Token(kind, token.value, token.start_pos, token.line, token.column)

    def _kind(self, token: Token, source: Source) -> str:
        if token.type == "NAME" and token.value in KEYWORDS:
            return self.kinds[token.value]
        if source.are_tests and token.value == "not" and not source.text[: token.start_pos or 0].strip():
            return "NEGATE"
        return self.kinds["".join(token.value.split())] if token.type == "SIGN" else token.type


def problem(token: Token, zh: str, en: str) -> SyntaxProblem:
    """A problem at a token."""
    return SyntaxProblem(token.line or 1, token.column or 1, zh, en)


def _tokens(source: Source) -> Iterator[Token]:
    text, place, line, start = source.text, 0, 1, 0
    known = _pattern(source.names | _own_names(text))
    if len(text) > MAX_SOURCE:
        raise SyntaxProblem(1, 1, f"表达式超过 {MAX_SOURCE} 个字符", f"more than {MAX_SOURCE} characters")
    while place < len(text):
        column = place - start + 1
        kind, value, end = _next(text, place, known)
        if not kind:
            raise SyntaxProblem(line, column, f"不认识的写法“{text[place : place + 12]}”", _unread(text, place))
        if kind != "BLANK":
            yield Token(kind, value, place, line, column)
        if newlines := text.count("\n", place, end):
            line, start = line + newlines, text.rindex("\n", place, end) + 1
        place = end


def _unread(text: str, place: int) -> str:
    return f"“{text[place : place + 12]}” cannot be read"


def _next(text: str, place: int, known: re.Pattern[str] | None) -> tuple[str, str, int]:
    if known and (named := known.match(text, place)):
        return "NAME", plain_name(named[0]), named.end()
    if instance := _INSTANCE.match(text, place):
        return "NAME", "instance", instance.end()
    found = _TOKEN.match(text, place)
    return (found.lastgroup or "", found[0], found.end()) if found else ("", "", place)


def plain_name(text: str) -> str:
    """A name with single spaces, and none around signs, by which it is found whatever its spelling."""
    return re.sub(r"\s*([-+*/.'])\s*", r"\1", " ".join(text.split()))


def _pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for all names that are more than a word."""
    long = {" ".join(name.split()) for name in names if not re.fullmatch(_WORD, name)}
    if not long:
        return None
    forms = (_spelled(name) for name in sorted(long, key=lambda name: (-len(name), name)) if name)
    return re.compile(rf"(?:{'|'.join(forms)})(?!{_PART})")


def _spelled(name: str) -> str:
    parts = re.findall(r"[-+*/.']|[^\s\-+*/.']+", name)
    out = re.escape(parts[0])
    for before, part in pairwise(parts):
        between_words = before not in "-+*/.'" and part not in "-+*/.'"
        out += (r"\s+" if between_words else r"\s*") + re.escape(part)
    return out


def _own_names(text: str) -> set[str]:
    """The names of several words that the text itself declares: keys, parameters, iterators."""
    bare = _QUOTED.sub(lambda found: '""' if found[0].startswith('"') else " ", text)
    names = set(_DECLARED.findall(bare)) | set(_ITERATED.findall(bare))
    for parameters in _PARAMETERS.findall(bare):
        names |= {part.partition(":")[0].strip() for part in parameters.split(",")}
    return {name for name in names if name and not KEYWORDS & set(name.split()[:1])}


def unquoted(token: Token) -> str:
    """The text that a string literal means. Raises SyntaxProblem where an escape means nothing."""
    body = token.value[token.value.index('"') + 1 : -1]

    def letter(found: re.Match[str]) -> str:
        if found[1] or found[2]:
            code = int(found[1] or found[2], 16)
            if code > 0x10FFFF:
                raise problem(token, f"没有这样的字符 {found[0]}", f"there is no character {found[0]}")
            return chr(code)
        if found[3] in "uU":
            raise problem(token, f"转义 {found[0]} 不完整", f"the escape {found[0]} is not complete")
        return _LETTERS.get(found[3], found[0])

    text = _PAIR.sub(lambda two: two[0].encode("utf-16", "surrogatepass").decode("utf-16"), _ESCAPE.sub(letter, body))
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise problem(token, "转义给出半个字符", "an escape gives half a character")
    return text
