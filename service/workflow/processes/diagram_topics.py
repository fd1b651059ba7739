"""General topics in a diagram: what each is given, checked before it is deployed, so that it runs (decision 23)."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from service import forms, handlers
from service.domain.notices.notices import MAX_BODY_LENGTH, MAX_TITLE_LENGTH, NOTIFIED, variables_in
from service.engine import Definition, ValidationIssue
from service.engine.forms.attributes import did_you_mean, nearest
from service.handlers import general
from service.infrastructure import outbound_http
from service.models.tables.runtime.case import Case
from service.workflow.processes.diagram_states import states_said

Texts = tuple[str, str, str, str]
Started = Callable[[str], Definition | None]
"""Gives the definition by which a case of a process would start; None where it is not known."""
LONGEST = {"title": MAX_TITLE_LENGTH, "body": MAX_BODY_LENGTH}
_BRACES = re.compile(r"[{}｛｝]")


def topic_issues(definition: Definition, started: Started) -> list[ValidationIssue]:
    """Refuse general topics whose input parameters are unknown, missing or cannot be."""
    return [
        ValidationIssue(definition.main, definition.elements[key].line, key, *texts, rule="general_topics_are_given")
        for key, found in definition.attributes.items()
        if found.topic in general.INPUTS
        for texts in _faults(definition, found.topic, found.inputs, found.properties, started)
    ]


def _faults(
    definition: Definition, topic: str, given: dict[str, str], properties: dict[str, str], started: Started
) -> Iterator[Texts]:
    known = general.INPUTS[topic]
    names = "、".join(known) or "—"
    for name in sorted(given.keys() - known.keys()):
        yield (
            f"{topic} 没有输入参数 {name}。",
            f"{topic} has no input parameter {name}.",
            f"可用：{names}。",
            f"Known are {', '.join(known) or 'none'}.",
        )
    for name in sorted(name for name, is_needed in known.items() if is_needed and not _is_given(given.get(name, ""))):
        yield (
            f"{topic} 缺输入参数 {name}。",
            f"{topic} lacks the input parameter {name}.",
            "加上它。",
            "Add it.",
        )
    if topic == "general.set_state" and "state" not in properties:
        yield (
            "设置状态的任务没有写状态。",
            "A task that sets a state does not say which.",
            "加属性 state。",
            "Add the property state.",
        )
    for name in (name for name in given if name.removesuffix("_en") in LONGEST and name in known):
        yield from _words(name, given[name])
    for member in general.WORDS:
        for name in sorted(variables_in(given.get(f"{member}_en", "")) - variables_in(given.get(member, ""))):
            yield (
                f"{member}_en 用到变量 {name}，{member} 没有用到。",
                f"{member}_en names the variable {name}, which {member} does not.",
                "两种文字用同样的变量。",
                "Name the same variables in both.",
            )
    if topic == "general.notify":
        yield from _addressees(given)
    if topic == "general.start_case":
        yield from _case(definition, given, started)
    if topic == "general.http":
        yield from _call(given)


def outcomes(text: str) -> list[Any] | None:
    """The values that a text can give: itself, or what its expression comes to; None when that is not known.

    A mapping or list that is written out stands for itself without what is in it.
    """
    if not text.startswith("${"):
        return [text]
    match ast.parse(text[2:-1].strip(), mode="eval").body:
        case ast.Constant(value=value):
            return [value]
        case ast.Dict() | ast.DictComp():
            return [{}]
        case ast.List() | ast.ListComp() | ast.Tuple():
            return [[]]
    found = states_said(text)
    return None if found is None else sorted(found)


def _is_given(text: str) -> bool:
    return bool(text) and outcomes(text) not in ([None], [""])


def _wrong(text: str, known: tuple[str, ...]) -> list[str]:
    """The values of a text that are none of those known; what an expression leaves out is not given."""
    return [str(value) for value in outcomes(text) or () if value not in (None, "", *known)]


def _words(name: str, text: str) -> Iterator[Texts]:
    """A text is read as it stands, with variables in ``{}``."""
    longest = LONGEST[name.removesuffix("_en")]
    if text.startswith("${"):
        yield (
            f"{name} 是文字，不是表达式：值里的括号会被当成变量。",
            f"{name} is a text, no expression: braces in its value would be read as variables.",
            "把变量名写在 {} 里。",
            "Write the name of the variable in {}.",
        )
    elif _BRACES.search(re.sub(r"\{\w+\}", "", text)):
        yield (
            f"{name} 里有不成对或写法不对的括号，会照原样给人看。",
            f"{name} has braces around no name of a variable: they would be shown as they stand.",
            "变量写成 {变量名}，用半角括号，里面没有空格。",
            "Write a variable as {name}, without blanks.",
        )
    elif len(text) > longest:
        yield (
            f"{name} 超过 {longest} 个字。",
            f"{name} has more than {longest} characters.",
            "写短一些。",
            "Write it shorter.",
        )


def _addressees(given: dict[str, str]) -> Iterator[Texts]:
    if not any(_is_given(given.get(name, "")) for name in ("to_role", "to_organisation", "to_person")):
        yield (
            "通知没有收件人。",
            "The notice goes to nobody.",
            "写 to_role、to_organisation 或 to_person。",
            "Give to_role, to_organisation or to_person.",
        )
    roles = tuple(role.value for role in NOTIFIED)
    for role in _wrong(given.get("to_role", ""), roles):
        yield (
            f"没有角色“{role}”，或者它不收通知。",
            f'There is no role "{role}" that gets notices.',
            f"可用：{'、'.join(roles)}。",
            f"Known are {', '.join(roles)}.",
        )
    for name in ("to_organisation", "to_person"):
        for value in _wrong(given.get(name, ""), ()):
            yield (
                f"{name} 写成了“{value}”：图里不写 id。",
                f'{name} is written "{value}": a diagram holds no ids.',
                "写成案卷的变量，如 ${unit_id}。",
                "Write a variable of the case, such as ${unit_id}.",
            )
    if wrong := [value for value in _wrong(given.get("by_mail", ""), ()) if value.lower() not in ("true", "false")]:
        yield (
            f"by_mail 写成了“{wrong[0]}”。",
            f'by_mail is written "{wrong[0]}".',
            "写 true 或 false。",
            "Write true or false.",
        )


def _case(definition: Definition, given: dict[str, str], started: Started) -> Iterator[Texts]:
    """The case that is started gets the variables that the form of its start asks for."""
    found = outcomes(given.get("variables", ""))
    if found is not None and not isinstance(found[0], dict) and found[0] not in (None, ""):
        yield (
            "variables 不是变量的映射。",
            "variables is no mapping of variables.",
            '写成 ${{"变量名": 值}}。',
            'Write ${{"name": value}}.',
        )
        return
    longest = Case.business_key.type.length
    for value in outcomes(given.get("business_key", "")) or ():
        if not isinstance(value, str | int | None) or len(str(value)) > longest:
            yield (
                f"business_key 应是文字，至多 {longest} 个字。",
                f"business_key is a text of at most {longest} characters.",
                "改正它。",
                "Correct it.",
            )
    for process in outcomes(given.get("process", "")) or ():
        close = nearest(str(process), handlers.declared_processes())
        if not isinstance(process, str) or (close and started(process) is None):
            yield (
                f"没有流程“{process}”。",
                f'There is no process "{process}".',
                *(did_you_mean(close) if close else ("写流程的 id。", "Write the id of a process.")),
            )
            continue
        other = definition if process == definition.process else started(process)
        if other is not None:
            yield from _start(process, other, given.get("variables", ""))


def _start(process: str, other: Definition, variables: str) -> Iterator[Texts]:
    asked = forms.fields(other.files[f"{other.start_form}.form"]) if other.start_form else ()
    fields = {one.key: one for one in asked if one.key and not one.readonly}
    described = handlers.declared_processes().get(process)
    if described and (described.starter or described.starts_with - fields.keys()):
        yield (
            f"流程“{process}”只由它自己的页面发起。",
            f'Cases of the process "{process}" are started on its own pages only.',
            "去掉这一步，或改用别的流程。",
            "Remove this step, or start another process.",
        )
        return
    names = _names(variables)
    if names is None:
        return
    known = "、".join(fields) or "—", ", ".join(fields) or "none"
    for name in sorted(names - fields.keys()):
        yield (
            f"流程“{process}”的开始表单没有字段 {name}。",
            f'The form that starts the process "{process}" has no field {name}.',
            f"可用：{known[0]}。",
            f"Known are {known[1]}.",
        )
    for name in sorted(key for key, one in fields.items() if one.required and key not in names):
        yield (
            f"发起流程“{process}”须给出 {name}。",
            f'The process "{process}" cannot be started without {name}.',
            "写进 variables。",
            "Give it in variables.",
        )


def _names(variables: str) -> set[str] | None:
    """The names in a mapping that is written out; None for one that is computed."""
    if outcomes(variables) in ([None], [""]):
        return set()
    written = ast.parse(variables[2:-1].strip(), mode="eval").body
    keys = written.keys if isinstance(written, ast.Dict) else [None]
    names = [key.value for key in keys if isinstance(key, ast.Constant)]
    return {str(name) for name in names} if len(names) == len(keys) else None


def process_warnings(definition: Definition, started: Started) -> list[ValidationIssue]:
    """Warn of cases that are started of a process that is neither in force nor this one."""
    shipped = sorted(handlers.declared_processes())
    return [
        ValidationIssue(
            definition.main,
            definition.elements[key].line,
            key,
            f"没有部署流程“{process}”。",
            f'The process "{process}" is not deployed.',
            f"先部署它，或改正名称；随系统提供：{'、'.join(shipped)}。",
            f"Deploy it first, or correct the name; shipped are {', '.join(shipped)}.",
            rule="started_processes_are_there",
            severity="warning",
        )
        for key, said in definition.attributes.items()
        for process in (outcomes(said.inputs.get("process", "")) or () if said.topic == "general.start_case" else ())
        if isinstance(process, str) and process not in ("", definition.process) and started(process) is None
    ]


def _call(given: dict[str, str]) -> Iterator[Texts]:
    """Refuse hosts, methods, secrets and contents that cannot be, as far as they are known."""
    for url in outcomes(given.get("url", "")) or ():
        yield from _address(str(url))
    for method in _wrong(given.get("method", ""), ()):
        if method.upper() not in outbound_http.METHODS:
            yield (
                f"没有方法“{method}”。",
                f'There is no method "{method}".',
                f"可用：{'、'.join(outbound_http.METHODS)}。",
                f"Known are {', '.join(outbound_http.METHODS)}.",
            )
        elif method.upper() == "GET" and _is_given(given.get("content", "")):
            yield (
                "方法 GET 不带内容，content 不起作用。",
                "A GET carries nothing; content is without effect.",
                "删去 content，或改用 POST。",
                "Remove content, or use POST.",
            )
    for secret in _wrong(given.get("secret", ""), tuple(outbound_http.allowed_hosts().secrets)):
        yield (
            f"没有密钥“{secret}”。",
            f'There is no secret "{secret}".',
            "请系统管理员把它写进 ANPEI_HTTP_SECRETS，或改正名称。",
            "Ask the system administrator to add it to ANPEI_HTTP_SECRETS, or correct the name.",
        )
    for content in outcomes(given.get("content", "")) or ():
        if len(json.dumps(content, ensure_ascii=False).encode()) > outbound_http.MAX_SENT:
            yield (
                f"content 超过 {outbound_http.MAX_SENT} 字节。",
                f"content has more than {outbound_http.MAX_SENT} bytes.",
                "写短一些。",
                "Write it shorter.",
            )


def _address(url: str) -> Iterator[Texts]:
    try:
        outbound_http.check_address(outbound_http.allowed_hosts(), url)
    except outbound_http.CallRefused as refused:
        yield (
            f"不能调用 {url}：{refused}。",
            f"{url} cannot be called: {refused}.",
            "请系统管理员把主机写进 ANPEI_HTTP_HOSTS，或改正地址。",
            "Ask the system administrator to add the host to ANPEI_HTTP_HOSTS, or correct the address.",
        )
