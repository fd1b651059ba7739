"""Names that point out of the file: roles, topics, messages, addresses, lanes. What is known: ``Vocabulary``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from service.engine.forms.attributes import did_you_mean, nearest
from service.engine.kernel.camunda_extensions import attributes_of
from service.engine.validation.diagram import Diagram, camunda, children, kind, process_of, words
from service.engine.validation.files import Bundle
from service.engine.validation.resolution.vocabulary import Vocabulary

PLAIN = re.compile(r"[\w.:-]+")


def meant(name: str, known: Iterable[str]) -> tuple[str, str]:
    """The remedy for a name that is not known: the one that was probably meant, or all of them."""
    names = sorted(known)
    if found := nearest(name, names):
        return did_you_mean(found)
    if not names:
        return "删去。", "Remove it."
    return f"可用：{'、'.join(names)}。", f"Known are {', '.join(names)}."


def roles_are_known(d: Diagram, known: Vocabulary) -> None:
    """Tasks go to roles that people can have, and cases are started by such."""
    for task in d.all("userTask"):
        role = (camunda(task, "candidateGroups") or "").strip()
        if PLAIN.fullmatch(role) and role not in known.roles:
            _refuse_role(d, task, role, known)
    for process in d.all("process"):
        starters = camunda(process, "candidateStarterGroups")
        for role in filter(None, re.split(r"[\s,]+", starters or "")):
            if role not in known.roles:
                _refuse_role(d, process, role, known)


def _refuse_role(d: Diagram, element: Any, role: str, known: Vocabulary) -> None:
    d.refuse(element, f"没有角色“{role}”。", f'There is no role "{role}".', *meant(role, known.roles))


def tasks_reach_an_organisation(d: Diagram, known: Vocabulary) -> None:
    """A role that many organisations have needs a scope, which names an organisation of that role's kind."""
    for task in d.all("userTask"):
        role = (camunda(task, "candidateGroups") or "").strip()
        if role not in known.roles or role in known.sole_roles:
            continue
        scope = attributes_of(task).properties.get("scope", "")
        if not scope:
            d.refuse(
                task,
                f"角色 {role} 的机构不止一个，任务没有写明给哪一个。",
                f"Many organisations have the role {role}: the task does not say to which it goes.",
                "加上 camunda:property scope,值为机构 id 的变量。",
                "Add the camunda:property scope, with the variable that holds the id of the organisation.",
            )
        roles = known.addresses.get(scope)
        if roles is not None and role not in roles:
            d.refuse(
                task,
                f"scope“{scope}”不是角色 {role} 的机构，这项任务没有人能看到。",
                f'The scope "{scope}" is no organisation of the role {role}: nobody would see the task.',
                *meant(role, [name for name, some in known.addresses.items() if role in some]),
            )


def topics_are_known(d: Diagram, known: Vocabulary) -> None:
    """A topic is served here; another one waits for an external worker, and one that is nearly ours is a slip."""
    for task in d.all("serviceTask", "sendTask"):
        topic = (camunda(task, "topic") or "").strip()
        if not topic or topic in known.topics:
            continue
        if close := nearest(topic, known.topics):
            d.refuse(task, f"没有主题“{topic}”。", f'There is no topic "{topic}".', *did_you_mean(close))
        else:
            d.warn(
                task,
                f"主题“{topic}”在这里没有程序处理，会一直等外部程序。",
                f'Nothing here serves the topic "{topic}": it waits for an external worker.',
                *meant(topic, known.topics),
            )


def caught(d: Diagram) -> Iterator[tuple[Any, str]]:
    """Every place that waits for a message, with the name of the message."""
    for element in d.all("startEvent", "intermediateCatchEvent", "boundaryEvent", "receiveTask"):
        for holder in [element] if kind(element) == "receiveTask" else d.definitions_of(element):
            message = d.resolve(holder.get("messageRef"))
            if message is not None:
                yield element, message.get("name") or message.get("id")


def messages_are_sent_and_caught(bundle: Bundle, known: Vocabulary) -> None:
    """A message that is waited for is sent by somebody, and one that this service sends is waited for."""
    thrown = {name for d in bundle.diagrams for name in _thrown(d)}
    for d in bundle.diagrams:
        waited = {process.get("id"): set[str]() for process in d.all("process")}
        for element, name in caught(d):
            process = process_of(element)
            key = process.get("id") if process is not None else ""
            waited.setdefault(key, set()).add(name)
            sent = known.processes[key].messages if key in known.processes else {}
            if name not in sent and name not in thrown:
                say = d.warn if key in known.processes else d.note  # another process of other files may send it
                (d.refuse if nearest(name, sent) else say)(
                    element,
                    f"没有谁发出消息“{name}”。",
                    f'Nobody sends the message "{name}".',
                    *(
                        meant(name, sent)
                        if sent
                        else ("由流程抛出它，或删去。", "Let a process throw it, or remove it.")
                    ),
                )
        for key, names in waited.items():
            for name in sorted(known.processes[key].messages.keys() - names) if key in known.processes else ():
                d.warn(
                    d.ids[key],
                    f"发给这个流程的消息“{name}”没有步骤接收。",
                    f'No step waits for the message "{name}", which is sent to this process.',
                    "在等待的步骤上加边界事件。",
                    "Add a boundary event to the steps that wait.",
                )


def _thrown(d: Diagram) -> Iterator[str]:
    for element in d.all("intermediateThrowEvent", "endEvent", "sendTask"):
        for holder in [element] if kind(element) == "sendTask" else d.definitions_of(element):
            message = d.resolve(holder.get("messageRef"))
            if message is not None:
                yield message.get("name") or message.get("id")


def lanes_name_their_roles(d: Diagram, known: Vocabulary) -> None:
    """A lane that bears the name of a role holds the tasks of that role."""
    labels = {label: role for role, some in known.roles.items() for label in some}
    for lane in d.all("lane"):
        name = (lane.get("name") or "").strip()
        tasks = [d.resolve(words(ref)) for ref in children(lane, "flowNodeRef")]
        for task in [t for t in tasks if t is not None and kind(t) == "userTask"]:
            role = camunda(task, "candidateGroups") or ""
            if name in labels and role in known.roles and role != labels[name]:
                d.warn(
                    task,
                    f"任务在“{name}”的泳道中，却由 {role} 办理。",
                    f'The task stands in the lane "{name}" and is done by {role}.',
                    "移到该角色的泳道，或改正角色。",
                    "Move it to the lane of its role, or correct the role.",
                )
        close = nearest_words(name, labels)
        if name and name not in labels and close:
            d.warn(
                lane,
                f"泳道名“{name}”与角色“{close}”相近而不同。",
                f'The lane "{name}" is nearly named as the role "{close}".',
                *did_you_mean(close),
            )


def nearest_words(name: str, known: Iterable[str]) -> str | None:
    """Find the word of the same letters: Chinese words are short, and a slip exchanges or doubles a character."""
    return next((one for one in known if one != name and sorted(set(one)) == sorted(set(name))), None)


def processes_are_named_as_their_files(bundle: Bundle, known: Vocabulary) -> None:
    """A file bears the name of its process: called processes are found by it, and a slip makes another process."""
    for d in bundle.diagrams:
        for process in d.all("process"):
            key, stem = process.get("id") or "", d.file.rpartition(".")[0]
            if (
                process.get("isExecutable") == "true"
                and key != stem
                and (key in known.processes or stem in known.processes or nearest(key, [stem]))
            ):
                d.warn(
                    process,
                    f"流程的 id 是 {key}，文件名是 {d.file}：部署的是另一个流程。",
                    f"The id of the process is {key}, its file is {d.file}: another process would be deployed.",
                    "让两者一致。",
                    "Make them agree.",
                )


RULES = (
    roles_are_known,
    tasks_reach_an_organisation,
    topics_are_known,
    lanes_name_their_roles,
)


def processes_can_be_started(bundle: Bundle, known: Vocabulary) -> None:
    """A process that no role may start, that nothing here starts and no other process calls, is told."""
    called = {call.get("calledElement") for d in bundle.diagrams for call in d.all("callActivity")}
    for d in bundle.diagrams:
        for process in d.all("process"):
            is_started = camunda(process, "candidateStarterGroups") or process.get("id") in {*known.processes, *called}
            if process.get("isExecutable") == "true" and not is_started:
                d.warn(
                    process,
                    "没有人能发起这个流程。",
                    "Nobody can start this process.",
                    "写 camunda:candidateStarterGroups，列出可以发起的角色；只由别的流程调用的不必写。",
                    "Write camunda:candidateStarterGroups, with the roles that may start it, unless others call it.",
                )


def choices_are_known(bundle: Bundle, known: Vocabulary) -> None:
    """``valuesKey`` names a list that the tables hold."""
    for key, form in bundle.forms.items():
        for one in form.fields:
            if one.options_key and one.options_key not in known.choices:
                bundle.tell_field(
                    key,
                    one.key,
                    f"没有名为“{one.options_key}”的选项列表。",
                    f'There is no list of choices "{one.options_key}".',
                    meant(one.options_key, known.choices),
                )


BUNDLE_RULES = (
    processes_can_be_started,
    choices_are_known,
    messages_are_sent_and_caught,
    processes_are_named_as_their_files,
)
