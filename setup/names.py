"""Write ``docs/names.md`` from the code: names that diagrams, forms and tables may use. ``check``: it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from service import handlers
from service.domain.accounts.roles import Role
from service.engine.forms import components
from service.engine.validation.allow_list import PROPERTIES
from service.engine.validation.scripts import BUILTINS
from service.workflow.processes.vocabulary import vocabulary

PAGE = Path(__file__).resolve().parent.parent / "docs" / "names.md"
HEAD = """# 名称 · Names

由程序生成（`python -m setup.names`），部署时按此核对。 Written by the program; deployments are checked against it.

"""
EXPRESSIONS = (
    ("`conditionExpression`, `loopCondition`, `completionCondition`", "Starlark", '`decision == "approve"`'),
    ("`candidateGroups`, `assignee`, `dueDate`, `followUpDate`, `priority`", "文字或 `${…}`", "`${confirm_by}`, `P5D`"),
    ("`scope`, `summary`, `batch`", "Starlark", "`authority_id`"),
    ("`timeDate`, `timeDuration`", "ISO 8601 或 `${…}`", "`${lapse_at}`, `P14D`"),
    ("`inputParameter`, `outputParameter`", "文字或 `${…}`", "`enrolling`"),
    ("`.dmn`", "FEEL", '`> duration("P1D")`'),
    ("`conditional.hide`", "FEEL", '`=decision = "approve"`'),
    ("`show_if`, `required_if`", "比较 comparison", "`decision == 'reject'`"),
)


def main() -> int:
    """Write the page, or check it; the exit code."""
    text = HEAD + "\n".join(_lines()) + "\n"
    if sys.argv[1:] == ["check"]:
        is_current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print("names: those of the code" if is_current else "docs/names.md is not current: python -m setup.names")
        return 0 if is_current else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


def _lines() -> Iterator[str]:
    known = vocabulary()
    yield from _table("角色 · Roles", ("role", "名称"), ((f"`{role.value}`", role.label) for role in Role))
    yield from _table(
        "主题 · Topics",
        ("topic", "必读 needs", "可读 reads", "写入 gives", "有时写入 may give", "可撤回 undoable"),
        (
            (f"`{n}`", *map(_names, (t.needs, t.reads, t.gives, t.may_give)), "✓" if t.is_undoable else "")
            for n, t in sorted(known.topics.items())
        ),
    )
    values = {(variable, some) for t in known.topics.values() for variable, some in t.values.items()}
    yield from _table(
        "变量的值 · Values of variables",
        ("variable", "values"),
        sorted({(f"`{variable}`", _names(some)) for variable, some in values}),
    )
    yield from _table(
        "状态 · States",
        ("process", "state", "另起名称 state_name"),
        (
            (f"`{n}`", ", ".join(f"`{state.value}` {state.label}" for state in s.states), "✓" if s.is_named else "")
            for n, s in sorted(handlers.SUBJECTS.items())
        ),
    )
    yield from _table(
        "开始的变量 · Variables at the start",
        ("process", "系统发起 started by the system", "发起人 whoever starts it", "有时 sometimes"),
        (
            (f"`{n}`", *map(_names, (p.starts_with, p.starter, p.may_start_with)))
            for n, p in sorted(known.processes.items())
        ),
    )
    yield from (f"其余流程 any other process: {_names(known.starter)}", "")
    yield from _table(
        "消息 · Messages",
        ("process", "message", "带来 carries", "每个等待的环节都应接收 heard at every waiting step"),
        (
            (f"`{n}`", f"`{name}`", _names(m.gives | m.may_give), "✓" if m.awaited_throughout else "")
            for n, p in sorted(known.processes.items())
            for name, m in sorted(p.messages.items())
        ),
    )
    yield from _table(
        "决策 · Decisions",
        ("decision", "事实 facts", "输出 outputs"),
        (
            (f"`{n}`", _names(d.facts) or "案卷变量 variables of the case", "; ".join(_outputs(d.outputs.items())))
            for n, d in sorted(known.decisions.items())
        ),
    )
    yield from _table("表达式 · Expressions", ("where", "language", "example"), EXPRESSIONS)
    yield from (f"Starlark: {_names(BUILTINS)}", "", f"`camunda:property`: {_names(PROPERTIES)}", "")
    kinds = (f"`{name}`" for name in components.ATTRIBUTES)
    yield from _table("表单 · Forms: ✓ 画出 drawn, ✗ 拒绝 refused", ("property", *kinds), _properties())
    gone = ", ".join(f"`{name}` ({zh} {en})" for name, (zh, en) in sorted(components.INSTEAD.items()))
    yield from (f"不画的组件，拒绝 components that are refused: {gone}", "")
    yield from (f"编辑器自己的，不起作用 the editor's own, without effect: {_names(components.EDITOR)}", "")
    of_choices = "`note.<value>`, `note_en.<value>`, `label_en.<value>`"
    yield f"`properties`: {_names(components.PROPERTIES)}, {of_choices}; `valuesKey`: {_names(known.choices)}"


def _properties() -> Iterator[tuple[str, ...]]:
    """Each property that the form editor writes, and of which components it is drawn; those of none together."""
    written = [
        f"{holder}.{name}" if holder else name
        for holder, names in components.FORM_JS.items()
        for name in sorted(names - components.EDITOR - components.FORM_JS.keys())
    ]
    rows = [(name, [components.is_drawn(kind, name) for kind in components.ATTRIBUTES]) for name in written]
    for name, drawn in rows:
        if any(drawn):
            yield f"`{name}`", *("✓" if one else "✗" for one in drawn)
    yield _names(name for name, drawn in rows if not any(drawn)), *("✗" for _ in components.ATTRIBUTES)


def _outputs(outputs: Iterable[tuple[str, frozenset[str]]]) -> Iterator[str]:
    return (f"`{name}`" + (f": {_names(values)}" if values else "") for name, values in sorted(outputs))


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield from (f"## {title}", "", f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |")
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


if __name__ == "__main__":
    sys.exit(main())
