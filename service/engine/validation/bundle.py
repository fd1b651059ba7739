"""Rules across the files of a bundle: what diagrams name lies in it. And the deployment rules beyond BPMN."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from service.engine.kernel.camunda_extensions import local_name
from service.engine.kernel.xml_reader import CAMUNDA
from service.engine.validation.allow_list import EVENT_DEFINITIONS, PROPERTIES, PROPERTY_NEEDS
from service.engine.validation.diagram import (
    Diagram,
    an,
    camunda,
    children,
    is_true,
    kind,
)
from service.engine.validation.elements.recursion import Call, certain_calls
from service.engine.validation.files import Bundle, decisions_read_nothing_personal

Missing = Iterator[tuple[Diagram, Any, str, str, str, str, str]]


def _missing(bundle: Bundle) -> Missing:
    """Form keys, decisions and called processes that are no files of the bundle; what a case does without them."""
    waits = ("等外部程序处理", "waits for an external worker")
    bare = ("没有表单", "has no form")
    for d in bundle.diagrams:
        for element in d.all("userTask", "startEvent"):
            yield d, element, camunda(element, "formKey") or "", "表单", "form", *bare
        for element in d.all("businessRuleTask"):
            yield d, element, camunda(element, "decisionRef") or "", "决策", "decision", *waits
        for element in d.all("callActivity"):
            yield d, element, element.get("calledElement") or "", "被调用的流程", "called process", *waits


def _absent(bundle: Bundle) -> Missing:
    known = {"form": set(bundle.forms), "decision": bundle.decision_ids(), "called process": set(bundle.processes())}
    return (one for one in _missing(bundle) if one[2] and one[2] not in known[one[4]])


def references_resolve_in_bundle(bundle: Bundle) -> None:
    """Form keys, decisions and called processes are files of the bundle."""
    for d, element, name, zh, en, *_ in _absent(bundle):
        d.refuse(
            element,
            f"{zh}“{name}”不在一起部署的文件中。",
            f'The {en} "{name}" is not among the files deployed together.',
            "一起部署该文件，或改正名称。",
            "Deploy it together, or correct the name.",
        )


def absent_files_are_done_without(bundle: Bundle) -> None:
    """A diagram alone, without what it names: it runs, and somebody else does what is not there."""
    for d, element, name, zh, en, does_zh, does_en in _absent(bundle):
        d.warn(
            element,
            f"{zh}“{name}”不在文件中：{element.get('id')} {does_zh}。",
            f'The {en} "{name}" is not among the files: {element.get("id")} {does_en}.',
            "一起部署该文件。",
            "Deploy it together.",
        )


def imports_are_in_bundle(bundle: Bundle) -> None:
    """Files that a diagram imports lie beside it (§8.2.2); definitions of types are not read."""
    names = {d.file for d in bundle.diagrams} | set(bundle.decisions)
    for d in bundle.diagrams:
        for element in d.all("import"):
            file = PurePath(element.get("location") or "").name
            if file in names:
                continue
            if element.get("importType") in TYPES:
                d.warn(
                    element,
                    f"类型定义“{file}”不读取，变量没有类型。",
                    f'The types of "{file}" are not read: variables have none.',
                    "可删去该导入。",
                    "The import may be removed.",
                )
            else:
                d.refuse(
                    element,
                    f"导入的文件“{file}”不在一起部署的文件中。",
                    f'The imported file "{file}" is not among the files deployed together.',
                    "一起部署该文件，或删去导入。",
                    "Deploy it together, or remove the import.",
                )


def call_activities_terminate(bundle: Bundle) -> None:
    """No process calls itself in every one of its runs, directly or through others: it would never end."""
    calls = {
        process.get("id", ""): list(certain_calls(d, process)) for d in bundle.diagrams for process in d.all("process")
    }
    for name, made in calls.items():
        for d, element, called in made:
            if name in _reached(called, calls):
                d.refuse(
                    element,
                    f"流程 {name} 每次都直接或间接调用自己，不会结束。",
                    f"The process {name} calls itself in every run and would not end.",
                    "把调用放在网关之后，或用循环代替。",
                    "Put the call behind a gateway, or use a loop instead.",
                )


def called_processes_start_plainly(bundle: Bundle) -> None:
    """A called process begins with a start event that waits for nothing."""
    processes = bundle.processes()
    for d in bundle.diagrams:
        for call in d.all("callActivity"):
            process = processes.get(call.get("calledElement"))
            starts = [] if process is None else children(process, "startEvent")
            if starts and all(children(start, *EVENT_DEFINITIONS, "eventDefinitionRef") for start in starts):
                d.refuse(
                    call,
                    "被调用的流程没有普通的开始事件。",
                    "The called process has no plain start event.",
                    "给被调用的流程画一个无触发方式的开始事件。",
                    "Give it a start event without a trigger.",
                )


def _reached(start: str, calls: dict[str, list[Call]]) -> set[str]:
    seen, todo = set(), [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [called for _, _, called in calls.get(name, ())]
    return seen


def ids_are_unique(bundle: Bundle) -> None:
    """Two diagrams of a bundle share no process and no element id: attributes and history go by id."""
    seen: dict[str, str] = {}
    for d in bundle.diagrams:
        for element in (*d.all("process"), *d.nodes()):
            name = element.get("id", "")
            if name and seen.setdefault(name, d.file) != d.file:
                d.refuse(
                    element,
                    f"{seen[name]} 中已有 id 为 {name} 的元素。",
                    f"{seen[name]} already has an element with the id {name}.",
                    "改成不同的 id。",
                    "Use another id.",
                )


TYPES = ("http://www.w3.org/2001/XMLSchema", "http://schemas.xmlsoap.org/wsdl/", "http://www.w3.org/TR/wsdl20/")

RULES = (
    imports_are_in_bundle,
    call_activities_terminate,
    called_processes_start_plainly,
    ids_are_unique,
    decisions_read_nothing_personal,
)
DEPLOYED_TOGETHER = (references_resolve_in_bundle,)
LEFT_OUT = (absent_files_are_done_without,)
"""For bundles that are deployed, and for diagrams alone."""


def user_tasks_are_addressed(d: Diagram) -> None:
    """Deployment rule: a user task says who does it."""
    for task in d.all("userTask"):
        if not camunda(task, "candidateGroups") and not camunda(task, "assignee"):
            d.refuse(
                task,
                "用户任务没有办理角色。",
                "The user task has no role.",
                "写上 camunda:candidateGroups 或 camunda:assignee。",
                "Write camunda:candidateGroups or camunda:assignee.",
            )


def tasks_are_of_a_kind(d: Diagram) -> None:
    """Deployment rule: a task without a kind says neither who nor what does it."""
    for task in d.all("task"):
        d.refuse(
            task,
            "任务没有类型，不知由谁办理。",
            "The task has no kind: it says neither who nor what does it.",
            "改为用户任务、服务任务等。",
            "Make it a user task, a service task or another kind.",
        )


def processes_say_they_are_executable(d: Diagram) -> None:
    """Deployment rule: the one process that is executed says so."""
    executable = [p for p in d.all("process") if is_true(p.get("isExecutable"))]
    if len(executable) != 1:
        d.refuse(
            d.root,
            f'应有且只有一个流程设 isExecutable="true",现有 {len(executable)} 个。',
            f'Exactly one process must have isExecutable="true", there are {len(executable)}.',
            "其余的泳池不放流程。",
            "Leave the other pools without a process.",
        )


LONGEST = {"id": 80, "name": 100}
"""Characters of id and name of a process and of its user tasks, as versions and the inbox keep them."""


def names_fit(d: Diagram) -> None:
    """Deployment rule: id and name of processes and user tasks are as short as the database keeps them."""
    for element in d.all("process", "userTask"):
        for attribute, longest in LONGEST.items():
            if len(element.get(attribute) or "") > longest:
                d.refuse(
                    element,
                    f"{attribute} 超过 {longest} 个字。",
                    f"The {attribute} has more than {longest} characters.",
                    "写短一些。",
                    "Write it shorter.",
                )


def properties_are_known(d: Diagram) -> None:
    """Deployment rule: camunda:property has a name with a meaning, so that a slip of the pen does not go unseen."""
    for owner, name, _beside in _properties(d):
        if name not in PROPERTIES:
            d.refuse(
                owner,
                f"未知的 camunda:property“{name}”。",
                f'Unknown camunda:property "{name}".',
                f"可用：{'、'.join(PROPERTIES)}。",
                f"Known are {', '.join(PROPERTIES)}.",
            )


def properties_have_effect(d: Diagram) -> None:
    """Deployment rule: camunda:property stands where it is read, beside what it belongs to."""
    for owner, name, beside in _properties(d):
        holders = PROPERTIES.get(name, frozenset([kind(owner)]))
        needed = PROPERTY_NEEDS.get(name)
        if kind(owner) not in holders:
            places = ", ".join(sorted(holders)) if len(holders) < 3 else ""
            d.refuse(
                owner,
                f"{kind(owner)} 上的 camunda:property“{name}”不起作用。",
                f'The camunda:property "{name}" is without effect on {an(kind(owner))}.',
                f"移到{places or '任务、事件或网关'}上，或删去。",
                f"Move it to {places or 'a task, an event or a gateway'}, or remove it.",
            )
        elif needed and needed not in beside:
            d.refuse(
                owner,
                f"有 {name} 而没有 {needed}。",
                f"There is {an(name)} without {an(needed)}.",
                f"加属性 {needed}，或删去 {name}。",
                f"Add the property {needed}, or remove {name}.",
            )
        elif name == "name_en" and not owner.get("name"):
            d.refuse(
                owner,
                "有 name_en 而没有名称。",
                "There is a name_en without a name.",
                "写上名称，或删去 name_en。",
                "Give the element a name, or remove name_en.",
            )


def properties_are_given_once(d: Diagram) -> None:
    """Deployment rule: of two properties or parameters of a name one would be lost, as is what is blank, nested or of
    another namespace.
    """
    given: dict[Any, set[tuple[str, str]]] = {}
    for group in d.root.iter(f"{{{CAMUNDA}}}properties", f"{{{CAMUNDA}}}inputOutput"):
        owner = next((one for one in group.iterancestors() if kind(one) not in ("", "extensionElements")), group)
        seen = given.setdefault(owner, set())
        for one in (child for child in group if isinstance(child.tag, str)):
            name, is_property = one.get("name") or "", local_name(one) == "property"
            if is_property and not (one.get("value") or "").strip():
                d.warn(
                    owner,
                    f"属性“{name}”是空的，不起作用。",
                    f'The property "{name}" is blank, and without effect.',
                    "写上值，或删去。",
                    "Give it a value, or remove it.",
                )
            if not one.tag.startswith(f"{{{CAMUNDA}}}") or (is_property and any(isinstance(c.tag, str) for c in one)):
                d.refuse(
                    owner,
                    f"属性“{name}”的写法不对：命名空间不是 Camunda 的，或里面还有元素。",
                    f'The property "{name}" is of another namespace than Camunda\'s, or has elements in it.',
                    "各属性并列，用 camunda: 前缀。",
                    "Write properties beside each other, with the prefix camunda:.",
                )
            elif (one.tag, name) in seen:
                d.refuse(
                    owner,
                    f"“{name}”写了两次，只有一个起作用。",
                    f'"{name}" is given twice; only one would have effect.',
                    "删去一个。",
                    "Remove one of them.",
                )
            seen.add((one.tag, name))


def start_forms_are_asked(d: Diagram) -> None:
    """Deployment rule: only the start of a whole process has a form, which whoever begins a case fills in."""
    for start in d.all("startEvent"):
        if camunda(start, "formKey") and kind(start.getparent()) != "process":
            d.refuse(
                start,
                "子流程的开始没有人填表,formKey 不起作用。",
                "Nobody fills in a form at the start of a subprocess; formKey is without effect.",
                "在子流程里加用户任务，表单写在任务上。",
                "Add a user task to the subprocess, with the form.",
            )


def _properties(d: Diagram) -> Iterator[tuple[Any, str, set[str]]]:
    """Every camunda:property: the element that it belongs to, its name, and the names beside it."""
    for holder in d.all("extensionElements"):
        names = [element.get("name") or "" for element in holder.iter(f"{{{CAMUNDA}}}property")]
        for name in names:
            yield holder.getparent(), name, set(names)


DEPLOYMENT_RULES = (
    user_tasks_are_addressed,
    tasks_are_of_a_kind,
    processes_say_they_are_executable,
    names_fit,
    properties_are_known,
    properties_have_effect,
    properties_are_given_once,
    start_forms_are_asked,
)
