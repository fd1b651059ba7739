"""Checks of scripts before they run: bounds, constructs that Starlark lacks, names they set."""

from __future__ import annotations

import ast
import builtins
import re
from functools import lru_cache

from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.starlark.worker_pool import NoAnswer, ScriptError, ask

MAX_SOURCE = 20_000  # characters
MAX_NESTING = 50  # brackets: a parser recurses at each
PARSE_SECONDS = 2.0  # of CPU time, as for running one


def problems(source: str, script: bool = True, functions: tuple[str, ...] = ()) -> list[tuple[int, str, str]]:
    """List the faults of a script or expression before it runs, as (line, Chinese, English).

    Raises NoAnswer when the sandbox could not be asked.
    """
    try:
        check_bounds(source)
    except ScriptError as error:
        return [(1, str(error), "The script is too long, too deep or too complex.")]
    found = _forbidden(source, script, functions)
    if found:
        return found
    try:
        request = ["p", source if script else source.strip(), {}, [], []]
        ask(request, None, CpuMeter(PARSE_SECONDS), PARSE_SECONDS)
    except NoAnswer:
        raise
    except ScriptError as error:
        return [_unreadable(*_place(str(error)))]
    return []


def check_bounds(source: str) -> None:
    """Shapes that make a parser itself fail: over-long, over-deep, long runs of operators."""
    if len(source) > MAX_SOURCE:
        raise ScriptError("脚本过长")
    depth = deepest = run = 0
    for letter in source:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
        run = run + 1 if letter in "-+~!" or (run and letter.isspace()) else 0
        if run > 200:
            raise ScriptError("脚本中连续的运算符过多")
    if deepest > MAX_NESTING:
        raise ScriptError("脚本嵌套过深")
    if len(re.findall(r"\bnot\b", source)) > 200 or len(re.findall(r"\b(?:if|lambda)\b", source)) > 500:
        raise ScriptError("脚本过于复杂")


_FORBIDDEN: dict[type[ast.AST], tuple[str, str]] = {
    ast.Import: ("不能 import", "import is not allowed"),
    ast.ImportFrom: ("不能 import", "import is not allowed"),
    ast.While: ("没有 while 循环，请用 for … in range(…)", "there is no while, use for … in range(…)"),
    ast.Try: ("没有 try", "there is no try"),
    ast.Raise: ("没有 raise,请用 fail(…)", "there is no raise, use fail(…)"),
    ast.ClassDef: ("没有 class", "there are no classes"),
    ast.With: ("没有 with", "there is no with"),
    ast.Delete: ("没有 del", "there is no del"),
    ast.Global: ("没有 global", "there is no global"),
    ast.Assert: ("没有 assert", "there is no assert"),
    ast.Pow: ("没有 **", "there is no **"),
    ast.Is: ("没有 is，请用 ==", "there is no is, use =="),
    ast.IsNot: ("没有 is not,请用 !=", "there is no is not, use !="),
    ast.Set: ("没有集合", "there are no sets"),
    ast.GeneratorExp: ("没有生成器，请用列表 […]", "there are no generators, use a list […]"),
    ast.NamedExpr: ("没有 :=", "there is no :="),
    ast.Yield: ("没有 yield", "there is no yield"),
    ast.Await: ("没有 await", "there is no await"),
    ast.Div: ("不能用 / 相除(得小数),请用 //", "/ gives a decimal, use //"),
}


def _forbidden(source: str, script: bool, functions: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Python habits that Starlark lacks, named in plain words; syntax errors of both are left to the real parser."""
    try:
        tree = ast.parse(source if script else source.strip(), mode="exec" if script else "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [_unreadable(getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1)]
    found: list[tuple[int, str, str]] = []
    line = 1
    for node in ast.walk(tree):
        line = getattr(node, "lineno", line)
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            found.append((line, "不能连续比较，请用 and", "comparisons cannot be chained, use and"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append((line, "不能用小数，请用整数或文字", "no decimals, use integers or text"))
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            found.append((line, f"不能访问 {node.attr}", f"{node.attr} may not be accessed"))
        elif _binds(node) in functions:
            name = _binds(node)
            found.append((line, f"{name} 是函数名，不能赋值", f"{name} is a function and cannot be set"))
        elif type(node) in _FORBIDDEN:
            found.append((line, *_FORBIDDEN[type(node)]))
    return found


def _binds(node: ast.AST) -> str:
    """The name that this very node binds, '' for most."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.name if isinstance(node, ast.FunctionDef) else ""


def _unreadable(line: int, column: int) -> tuple[int, str, str]:
    """The fault of what is no Starlark, the language of scripts and expressions (BPMN 2.0 §8.4.6)."""
    zh = f"第 {line} 行第 {column} 个字符处不是 Starlark(§8.4.6)的写法"
    return line, zh, f"Line {line}, character {column} cannot be read as Starlark (§8.4.6)"


def _place(message: str) -> tuple[int, int]:
    found = re.search(r"--> script:(\d+):(\d+)", message)
    return (int(found.group(1)), int(found.group(2))) if found else (1, 1)


@lru_cache(maxsize=1024)
def names_bound(source: str) -> frozenset[str]:
    """Every name that a script binds anywhere: assigned, looped over, or defined as a function."""
    return frozenset(name for node in ast.walk(_tree(source)) if (name := _binds(node)))


@lru_cache(maxsize=1024)
def names_set(source: str) -> frozenset[str]:
    """Names that a script sets at its top level: neither loop variables, nor functions, nor ``_private`` ones."""
    tree = _tree(source)
    loops = {
        name.id
        for loop in ast.walk(tree)
        if isinstance(loop, ast.For | ast.comprehension)
        for name in ast.walk(loop.target)
        if isinstance(name, ast.Name)
    }
    found: set[str] = set()
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ListComp | ast.DictComp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        stack.extend(ast.iter_child_nodes(node))
    return frozenset(name for name in found - loops if not name.startswith("_"))


@lru_cache(maxsize=1024)
def lists_set(source: str) -> frozenset[str]:
    """Names that a script sets to a list or mapping that is written out."""
    several = (ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.DictComp)
    made = (n for n in ast.walk(_tree(source)) if isinstance(n, ast.Assign) and isinstance(n.value, several))
    return frozenset(name.id for one in made for name in one.targets if isinstance(name, ast.Name))


@lru_cache(maxsize=1024)
def names_read(source: str) -> frozenset[str]:
    """Names that an expression reads and that are no function of Starlark's, which are Python's as well."""
    tree = _tree(source)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return frozenset(name for name in names - names_bound(source) if not hasattr(builtins, name))


def _tree(source: str) -> ast.Module:
    """A script that cannot be parsed binds nothing: the sandbox will say why."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
