"""Patterns of XPath (XML Schema part 2, appendix F; clause 10.3.4.3 of DMN) → a program for the matcher beside it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from service.engine.feel.values import FeelError

Accepts = Callable[[str], bool]

LONGEST_PROGRAM = 5_000  # instructions; repetitions with numbers are written out
DEEPEST = 40  # groups in groups


class InvalidPattern(Exception):
    """The pattern or its flags are not well-formed; the function gives null."""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: accept a letter, save a place, test for a border, or go on at one or two other places."""

    kind: str
    accepts: Accepts | None = None
    to: int = 0
    other: int = 0


@dataclass(slots=True)
class Program:
    """The instructions of a pattern, and the number of its groups."""

    steps: list[Step] = field(default_factory=list)
    groups: int = 0

    def add(self, step: Step) -> int:
        """Append an instruction and tell its place. Raises FeelError for too long a program."""
        if len(self.steps) >= LONGEST_PROGRAM:
            raise FeelError("正则表达式过长")
        self.steps.append(step)
        return len(self.steps) - 1


_SPACES = " \t\n\r"
_ESCAPED = "\\|.?*+(){}-[]^$/"
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}

_BLOCKS = {
    "IsBasicLatin": ("\0", "\x7f"),
    "IsLatin-1Supplement": ("\x80", "\xff"),
    "IsLatinExtended-A": ("\u0100", "\u017f"),
    "IsGreek": ("\u0370", "\u03ff"),
    "IsCyrillic": ("\u0400", "\u04ff"),
    "IsCJKUnifiedIdeographs": ("\u4e00", "\u9fff"),
}


def _category(letter: str) -> str:
    return unicodedata.category(letter)


_KINDS: dict[str, Accepts] = {
    "s": lambda letter: letter in _SPACES,
    "d": lambda letter: _category(letter) == "Nd",
    "w": lambda letter: _category(letter)[0] not in "PZC",
    "i": lambda letter: letter in "_:" or _category(letter)[0] == "L",
    "c": lambda letter: letter in "_:-.·" or _category(letter)[0] in "LNM",
}


def _not(accepts: Accepts) -> Accepts:
    return lambda letter: not accepts(letter)


def _any_of(parts: list[Accepts]) -> Accepts:
    return lambda letter: any(accepts(letter) for accepts in parts)


class _Reader:
    """A reader by recursive descent; each method reads one form and appends its instructions."""

    def __init__(self, pattern: str, flags: frozenset[str]) -> None:
        self.text, self.place, self.flags = pattern, 0, flags
        self.program = Program()
        self.depth = 0

    def read(self) -> Program:
        self._choices()
        if self.place < len(self.text):
            raise InvalidPattern
        self.program.add(Step("match"))
        return self.program

    def _peek(self) -> str:
        self._skip_blanks()
        return self.text[self.place : self.place + 1]

    def _skip_blanks(self) -> None:
        while "x" in self.flags and self.text[self.place : self.place + 1] in tuple(_SPACES):
            self.place += 1

    def _next(self) -> str:
        letter = self.text[self.place : self.place + 1]
        if not letter:
            raise InvalidPattern
        self.place += 1
        return letter

    def _choices(self) -> None:
        steps = self.program.steps
        ends: list[int] = []
        while True:
            split = self.program.add(Step("split"))
            self._branch()
            if self._peek() != "|":
                steps[split] = Step("jump", to=split + 1)
                break
            self.place += 1
            ends.append(self.program.add(Step("jump")))
            steps[split] = Step("split", to=split + 1, other=len(steps))
        for end in ends:
            steps[end] = Step("jump", to=len(steps))

    def _branch(self) -> None:
        while (letter := self._peek()) and letter not in "|)":
            begin, place, groups = len(self.program.steps), self.place, self.program.groups
            self._atom()
            self._quantifier(begin, place, groups)

    def _atom(self) -> None:
        letter = self._next()
        if letter == "(":
            self._group()
        elif letter in "^$":
            self.program.add(Step(letter))
        elif letter in "*+?{}])":
            raise InvalidPattern
        elif letter == "\\" and self.text[self.place : self.place + 1].isdigit():
            self._reference()
        else:
            self.program.add(Step("letter", self._accepts(letter)))

    def _reference(self) -> None:
        """``\\1``: the text of an earlier group once more."""
        digits = self._next()
        while (more := self.text[self.place : self.place + 1]).isdigit() and int(digits + more) <= self.program.groups:
            digits += self._next()
        if not 1 <= int(digits) <= self.program.groups:
            raise InvalidPattern
        self.program.add(Step("again", to=2 * int(digits)))

    def _accepts(self, letter: str) -> Accepts:
        if letter == "[":
            return self._class()
        if letter == "\\":
            return self._escape()
        if letter == ".":
            return (lambda given: True) if "s" in self.flags else (lambda given: given not in "\n\r")
        return self._letter(letter)

    def _letter(self, letter: str) -> Accepts:
        if "i" in self.flags:
            return lambda given: given.lower() == letter.lower() or given.upper() == letter.upper()
        return lambda given: given == letter

    def _group(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FeelError("正则表达式嵌套过深")
        if self.text.startswith("?:", self.place):
            self.place += 2
            self._choices()
        else:
            self.program.groups += 1
            group = self.program.groups
            self.program.add(Step("save", to=2 * group))
            self._choices()
            self.program.add(Step("save", to=2 * group + 1))
        if self._peek() != ")":
            raise InvalidPattern
        self.place += 1
        self.depth -= 1

    def _escape(self) -> Accepts:
        letter = self._next()
        if letter in _LETTERS or letter in _ESCAPED:
            return self._letter(_LETTERS.get(letter, letter))
        if letter.lower() in _KINDS:
            accepts = _KINDS[letter.lower()]
            return _not(accepts) if letter.isupper() else accepts
        if letter in "pP":
            accepts = self._category()
            return _not(accepts) if letter == "P" else accepts
        raise InvalidPattern

    def _category(self) -> Accepts:
        if self._next() != "{":
            raise InvalidPattern
        end = self.text.find("}", self.place)
        name, self.place = self.text[self.place : end], end + 1
        if name in _BLOCKS:
            return self._range(*_BLOCKS[name])
        if name.startswith("Is"):
            raise FeelError(f"正则表达式不支持字符类 {name}")
        if end < 0 or name[:1] not in tuple("LMNPZSC"):
            raise InvalidPattern
        return lambda letter: _category(letter).startswith(name)

    def _class(self) -> Accepts:
        is_negated = self.text.startswith("^", self.place)
        self.place += is_negated
        parts: list[Accepts] = []
        without: Accepts | None = None
        while self.text[self.place : self.place + 1] != "]":
            if self.text.startswith("-[", self.place) and parts:
                self.place += 2
                without = self._class()
                break
            parts.append(self._member())
        if without is None or self.text[self.place : self.place + 1] == "]":
            self._next()
        elif without is not None:
            raise InvalidPattern
        if not parts:
            raise InvalidPattern
        accepts = _not(_any_of(parts)) if is_negated else _any_of(parts)
        return accepts if without is None else lambda letter: accepts(letter) and not without(letter)

    def _member(self) -> Accepts:
        letter = self._next()
        if letter == "[":
            raise InvalidPattern
        if letter == "\\":
            escaped = self.text[self.place : self.place + 1]
            if escaped not in _LETTERS and escaped not in _ESCAPED:
                return self._escape()
            self.place += 1
            letter = _LETTERS.get(escaped, escaped)
        following = self.text[self.place : self.place + 2]
        if following[:1] != "-" or following[1:] in ("]", "[", ""):
            return self._letter(letter)
        self.place += 1
        last = self._next()
        if last == "\\":
            last = self._next()
            last = _LETTERS.get(last, last)
        if last < letter:
            raise InvalidPattern
        return self._range(letter, last)

    def _range(self, first: str, last: str) -> Accepts:
        if "i" in self.flags:
            return lambda given: any(first <= each <= last for each in (given, given.lower(), given.upper()))
        return lambda given: first <= given <= last

    def _quantifier(self, begin: int, begin_place: int, groups_before: int) -> None:
        sign = self._peek()
        if not sign or sign not in "*+?{":
            return
        self.place += 1
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self._counts()
        is_greedy = self._peek() != "?"
        self.place += not is_greedy
        again, groups = (begin_place, groups_before), self.program.groups
        end_place = self.place
        del self.program.steps[begin:]
        for _ in range(least):
            self._again(*again)
        if most is None:
            self._repeat(again, is_greedy)
        else:
            self._optional(again, is_greedy, most - least)
        self.place, self.program.groups = end_place, groups

    def _counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.place)
        low, comma, high = self.text[self.place : end].partition(",")
        self.place = end + 1
        if end < 0 or not low.isdigit() or (high and not high.isdigit()):
            raise InvalidPattern
        most = int(high) if high else None if comma else int(low)
        if most is not None and most < int(low):
            raise InvalidPattern
        if max(int(low), most or 0) > LONGEST_PROGRAM:
            raise FeelError("正则表达式过长")
        return int(low), most

    def _again(self, place: int, groups: int) -> None:
        """Read the atom once more, with the same numbers for its groups."""
        self.place, self.program.groups = place, groups
        self._atom()

    def _repeat(self, again: tuple[int, int], is_greedy: bool) -> None:
        split = self.program.add(Step("split"))
        self._again(*again)
        self.program.add(Step("jump", to=split))
        self.program.steps[split] = self._either(split + 1, len(self.program.steps), is_greedy)

    def _optional(self, again: tuple[int, int], is_greedy: bool, times: int) -> None:
        splits = []
        for _ in range(times):
            splits.append(self.program.add(Step("split")))
            self._again(*again)
        for split in splits:
            self.program.steps[split] = self._either(split + 1, len(self.program.steps), is_greedy)

    @staticmethod
    def _either(inside: int, behind: int, is_greedy: bool) -> Step:
        return Step("split", to=inside, other=behind) if is_greedy else Step("split", to=behind, other=inside)


def read_pattern(pattern: str, flags: frozenset[str]) -> Program:
    """The program of a pattern. Raises InvalidPattern, and FeelError for what is not supported."""
    if "q" in flags:
        return _literally(pattern, flags)
    return _Reader(pattern, flags).read()


def _literally(pattern: str, flags: frozenset[str]) -> Program:
    reader = _Reader("", flags)
    for letter in pattern:
        reader.program.add(Step("letter", reader._letter(letter)))
    reader.program.add(Step("match"))
    return reader.program
