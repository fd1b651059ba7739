"""One tree of errors, raised at the bottom and rendered once (``web`` and ``api``).

The first line of a class's docstring is its default message. Messages are written in Chinese, the first language
of the screen, and are the keys of the translation catalogue; values are filled in after translation. ``N_`` marks
a text for the catalogue without translating it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def N_(text: str) -> str:
    """Mark a Chinese text for the translation catalogue; returns it unchanged."""
    return text


class Message:
    """A text of the catalogue with the values that fill its ``%(name)s`` places."""

    __slots__ = ("text", "values")

    def __init__(self, text: str, **values: Any) -> None:
        self.text = text
        self.values = values

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text

    def __repr__(self) -> str:
        return f"Message({self.text!r}, {self.values!r})"

    def to_json(self) -> list[Any]:
        """The text and its values as JSON; a value may be a message itself. See ``from_json``."""
        return [self.text, {name: _value_to_json(value) for name, value in self.values.items()}]

    @classmethod
    def from_json(cls, packed: Sequence[Any]) -> Message:
        """Read what ``to_json`` gave."""
        text, values = packed
        return cls(text, **{k: cls.from_json(v) if isinstance(v, list) else v for k, v in values.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.text, self.values) == (other.text, other.values)

    def __hash__(self) -> int:
        return hash(self.text)


def _value_to_json(value: Any) -> Any:
    if isinstance(value, Message):
        return value.to_json()
    return value if isinstance(value, (str, int, float)) else str(value)


class AnpeiError(Exception):
    """系统出错，请稍后再试。"""

    status = 500
    code = "error"

    retry_after: int | None = None
    """Seconds after which it is of use to try again; None where time alone mends nothing."""

    def __init__(self, text: str | Message | None = None, retry_after: int | None = None, **values: Any) -> None:
        self.retry_after = retry_after or self.retry_after
        self.is_plain = text is None
        """True where the message is the default of the class and says nothing of the case."""
        if text is None:
            text = (type(self).__doc__ or "").strip().splitlines()[0]
        self.message = text if isinstance(text, Message) else Message(text, **values)
        super().__init__(str(self.message))


class InvalidInput(AnpeiError):
    """填写的内容有误，请按提示修改后再提交。

    ``fields`` maps a field name to what is wrong with it; the form comes back with its values kept.
    """

    status = 422
    code = "invalid_input"

    def __init__(
        self, fields: Mapping[str, str | Message] | None = None, text: str | Message | None = None, **values: Any
    ) -> None:
        super().__init__(text, **values)
        self.fields = {k: v if isinstance(v, Message) else Message(v) for k, v in (fields or {}).items()}

    def __str__(self) -> str:
        return " ".join([str(self.message), *(f"{name}: {message}" for name, message in self.fields.items())])


class SignInNeeded(AnpeiError):
    """请先登录。"""

    status = 401
    code = "sign_in_needed"


class NotAllowed(AnpeiError):
    """您的角色不能做这件事。"""

    status = 403
    code = "not_allowed"


class NotFound(AnpeiError):
    """没有找到，可能已被删除，或不在您的管辖范围内。"""

    status = 404
    code = "not_found"


class Conflict(AnpeiError):
    """情况已经变化，请刷新后再试。"""

    status = 409
    code = "conflict"


class TaskAlreadyDone(Conflict):
    """已被处理"""

    code = "task_already_done"


class NotAsked(AnpeiError):
    """这项办理不能撤回，确认后才能提交。

    consequence: what follows; reason: the label of the reason that is due where many are ended at once.
    """

    status = 409
    code = "not_asked"

    def __init__(self, consequence: str, reason: str = "") -> None:
        super().__init__()
        self.consequence, self.reason = consequence, reason


class CaseSuspended(Conflict):
    """这个案卷已暂停，恢复之前不能办理；请联系流程管理员。"""

    code = "case_suspended"


class TooManyAttempts(AnpeiError):
    """尝试次数过多，请稍后再试。"""

    status = 429
    code = "too_many_attempts"
    retry_after = 1


class Unavailable(AnpeiError):
    """数据库暂时连接不上，您刚才的操作没有保存。请稍后重试。"""

    status = 503
    code = "unavailable"
    retry_after = 5


class DefinitionRefused(AnpeiError):
    """流程图没有通过检查。

    ``problems`` are ``engine.Problem`` values: file, line, element and how to mend it.
    """

    status = 400
    code = "definition_refused"

    def __init__(self, problems: Any, text: str | Message | None = None) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


class ProcessError(AnpeiError):
    """流程运行出错，已记录为故障，处理后可以重试。"""

    code = "process_error"
