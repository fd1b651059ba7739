"""General topics in a diagram: what each is given, checked before it is deployed (decision 23)."""

from __future__ import annotations

from collections.abc import Iterator

from service import handlers
from service.domain.notices.notices import NOTIFIED, variables_in
from service.engine import Definition, ValidationIssue
from service.handlers import general
from service.infrastructure import outbound_http

Texts = tuple[str, str, str, str]


def topic_issues(definition: Definition) -> list[ValidationIssue]:
    """Refuse general topics whose input parameters are unknown, missing or cannot be."""
    return [
        ValidationIssue(definition.main, definition.elements[key].line, key, *texts, rule="general_topics_are_given")
        for key, found in definition.attributes.items()
        if found.topic in general.INPUTS
        for texts in _faults(found.topic, found.inputs, found.properties)
    ]


def _faults(topic: str, given: dict[str, str], properties: dict[str, str]) -> Iterator[Texts]:
    known = general.INPUTS[topic]
    names = "、".join(known) or "—"
    for name in sorted(given.keys() - known.keys()):
        yield (
            f"{topic} 没有输入参数 {name}。",
            f"{topic} has no input parameter {name}.",
            f"可用：{names}。",
            f"Known are {', '.join(known) or 'none'}.",
        )
    for name in sorted(name for name, is_needed in known.items() if is_needed and not given.get(name)):
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
    if topic == "general.notify":
        yield from _addressees(given)
    for member in general.WORDS:
        for name in sorted(variables_in(given.get(f"{member}_en", "")) - variables_in(given.get(member, ""))):
            yield (
                f"{member}_en 用到变量 {name}，{member} 没有用到。",
                f"{member}_en names the variable {name}, which {member} does not.",
                "两种文字用同样的变量。",
                "Name the same variables in both.",
            )
    if topic == "general.http":
        yield from _call(given)


def _addressees(given: dict[str, str]) -> Iterator[Texts]:
    if not any(given.get(name) for name in ("to_role", "to_organisation", "to_person")):
        yield (
            "通知没有收件人。",
            "The notice goes to nobody.",
            "写 to_role、to_organisation 或 to_person。",
            "Give to_role, to_organisation or to_person.",
        )
    role, roles = given.get("to_role", ""), [role.value for role in NOTIFIED]
    if role and not role.startswith("${") and role not in roles:
        yield (
            f"没有角色“{role}”，或者它不收通知。",
            f'There is no role "{role}" that gets notices.',
            f"可用：{'、'.join(roles)}。",
            f"Known are {', '.join(roles)}.",
        )


def process_warnings(definition: Definition) -> list[ValidationIssue]:
    """Warn of cases that are started of a process that is neither shipped nor this one: it may not be deployed."""
    known = {*handlers.declared_processes(), definition.process}
    found = []
    for key, said in definition.attributes.items():
        process = said.inputs.get("process", "${") if said.topic == "general.start_case" else "${"
        if not process.startswith("${") and process not in known:
            texts = (
                f"流程“{process}”不是随系统提供的。",
                f'The process "{process}" is not one that is shipped.',
                f"核对它已部署；随系统提供：{'、'.join(sorted(handlers.declared_processes()))}。",
                f"Make sure that it is deployed; shipped are {', '.join(sorted(handlers.declared_processes()))}.",
            )
            line = definition.elements[key].line
            found.append(
                ValidationIssue(
                    definition.main, line, key, *texts, rule="started_processes_are_there", severity="warning"
                )
            )
    return found


def _call(given: dict[str, str]) -> Iterator[Texts]:
    """Refuse hosts, methods and secrets that are not known, as far as they are no expressions."""
    if not given.get("url", "${").startswith("${"):
        yield from _address(given["url"])
    method, secret = given.get("method", ""), given.get("secret", "")
    if method and not method.startswith("${") and method.upper() not in outbound_http.METHODS:
        yield (
            f"没有方法“{method}”。",
            f'There is no method "{method}".',
            f"可用：{'、'.join(outbound_http.METHODS)}。",
            f"Known are {', '.join(outbound_http.METHODS)}.",
        )
    if secret and not secret.startswith("${") and secret not in outbound_http.allowed_hosts().secrets:
        yield (
            f"没有密钥“{secret}”。",
            f'There is no secret "{secret}".',
            "请系统管理员把它写进 ANPEI_HTTP_SECRETS，或改正名称。",
            "Ask the system administrator to add it to ANPEI_HTTP_SECRETS, or correct the name.",
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
