"""What cannot be taken back asks first: object in the title, consequence in the text (R87). Every completion of every
task, every message that an act gives a case, every address that ends something.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from lxml import etree
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from service import handlers
from service.errors import NotAsked
from service.infrastructure.translation import catalogue_english
from service.models.db.session import session
from service.models.tables.runtime.case import Task
from service.workflow.runtime import bulk_completion, tasks
from tests.api.test_security_messages import DOORS
from tests.builders.open_tasks import BPMN, PROCESSES
from tests.builders.world import sign_in
from tests.process.test_undo import STANDS, Completion, completions, tried
from tests.process.test_undo import every_task as every_task

GOES_ON = {
    "print_certificate": "the print itself is asked for on its page",
    "confirm_score confirm": "a score is mended by a correction (R51)",
    "correct_certificate resubmit": "the ministry decides next",
    "answer_ticket ask": "the ticket goes on",
    "answer_ticket progress": "the ticket goes on",
    "answer_ticket resolve": "its requester may have it opened again",
    "rate_ticket reopen": "the ticket goes on",
    "reply_ticket": "the ticket goes on",
}
"""Completions that cannot be taken back and end nothing."""
STEPS_BACK = {"undo_check_in", "take_back"}
"""Messages that give back what is then done again."""
ENDING = re.compile(
    r"(cancel|revoke|deregister|delete|withdraw|end|disable|refuse|discard|drop|close|remove|detach|stop)\w*"
)
ENDS_NOTHING = {
    "accounts.end_other_sessions": "one signs in again",
    "accounts.end_own_session": "one signs in again",
    "accounts.end_sessions": "one signs in again",
    "certificate_actions.deregister": "leads to the task, which asks",
    "exports.stop": "it is exported again",
    "notices.detach": "it is attached again",
    "printing.cancel": "what is not printed yet is printed again",
    "saved_views.remove": "it is saved again",
    "substitutes.end": "the colleague is appointed again",
    "version_changes.stop_backtest": "it is run again",
    "version_changes.stop_migration": "what was migrated stays, the rest is migrated again",
}


ONE = "01a22483-07e1-7b4b-91db-55b45f496fa6"


def given(one: Completion) -> dict[str, str]:
    return {name: value() if callable(value) else value for name, value in one.raw.items()}


def consequence(one: Completion) -> str:
    """What is asked before this completion, '' where it is done at once."""
    said = ""
    with tried():
        try:
            tasks.complete(one.holder, one.task_id, given(one), asks=True)
        except NotAsked as asked:
            said = asked.consequence
    return said


@pytest.mark.usefixtures("every_task")
def test_every_completion_that_cannot_be_taken_back_asks_and_no_other() -> None:
    asked = {one.name: consequence(one) for one in completions()}
    assert {name for name, said in asked.items() if not said} == STANDS | GOES_ON.keys()
    for said in asked.values():
        assert not said or catalogue_english(said), said


@pytest.mark.usefixtures("every_task")
def test_pages_ask_with_the_object_in_the_title_and_do_it_when_it_was_asked(app: Flask) -> None:
    answered = {}
    for one in completions():
        said = consequence(one)
        if not said:
            continue
        task = session().get_one(Task, one.task_id)
        subject, address = task.subject or task.name, f"/tasks/{task.id}"
        client = sign_in(app.test_client(), one.holder)
        digest = re.search(r'name="form_digest" value="(\w+)"', client.get(address).text)
        form = {"form_digest": digest[1] if digest else "", **given(one)}
        for language, text in (("zh", said), ("en", catalogue_english(said) or "")):
            client.post("/language", data={"language": language})
            page = html.unescape(client.post(address, data=form).text)
            title = re.search(r"<h1>(.*?)</h1>", page)
            assert title, (one.name, page)
            assert subject in title[1], (one.name, title[1])
            assert text in page, (one.name, text)
            assert session().get_one(Task, one.task_id, populate_existing=True).state == "open"
        sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        answered[one.task_id] = (client, address, sent)
    for task_id, (client, address, sent) in answered.items():
        assert client.post(address, data=sent).status_code == 302, address
        assert session().get_one(Task, task_id, populate_existing=True).state == "completed"


@pytest.mark.usefixtures("every_task")
def test_a_batch_asks_as_its_rows_do_and_tries_without_a_trace() -> None:
    for one in completions():
        said = consequence(one)
        try:
            bulk_completion.ask_first(one.holder, [(one.task_id, given(one))])
            asked = ""
        except NotAsked as found:
            asked = found.consequence
        assert asked == said, one.name
        assert session().get_one(Task, one.task_id, populate_existing=True).state == "open"


def filled(rule: str) -> str:
    """An address of a rule."""
    return re.sub(r"<\w+>", "key", re.sub(r"<uuid:\w+>", ONE, rule))


def is_asked(app: Flask, address: str) -> bool:
    """Tell whether a page asks before what is posted to an address: in between, or one of its own at the same place."""
    found = app.url_map.bind("")
    view = app.view_functions[found.match(address, "POST")[0]]
    try:
        return hasattr(view, "asks_first") or bool(found.match(address, "GET"))
    except (HTTPException, RequestRedirect):
        return False


def final_messages() -> Iterator[str]:
    """Messages of the shipped diagrams after which a topic is served that cannot be undone."""
    known_topics = handlers.declared_topics()
    for file in PROCESSES.glob("*.bpmn"):
        tree = etree.parse(file)
        names = {one.get("id"): one.get("name") for one in tree.iter(BPMN + "message")}
        by_id = {one.get("id"): one for one in tree.iter() if one.get("id")}
        flows = [(one.get("sourceRef"), one.get("targetRef")) for one in tree.iter(BPMN + "sequenceFlow")]
        for event in tree.iter(BPMN + "messageEventDefinition"):
            waiting, seen = [event.getparent().get("id")], set()
            while waiting:
                at = waiting.pop()
                seen.add(at)
                following = [to for source, to in flows if source == at and to not in seen]
                waiting += [to for to in following if not by_id[to].tag.endswith(("userTask", "CatchEvent"))]
            topics = {by_id[at].get("{http://camunda.org/schema/1.0/bpmn}topic") for at in seen} - {None}
            if any(not known_topics[topic].is_undoable for topic in topics):
                yield names[event.get("messageRef")]


def test_every_act_that_gives_a_case_a_final_message_asks(app: Flask) -> None:
    messages = set(final_messages()) & DOORS.keys() - STEPS_BACK
    assert {"cancel_class", "withdraw", "deregister", "end_training", "close_enrolment"} <= messages
    doors = [door.address.format(ONE) for name in messages for door in DOORS[name]]
    assert [address for address in doors if not address.startswith("/api") and not is_asked(app, address)] == []


def test_every_address_that_ends_something_asks(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and "api" not in rule.rule]
    ending = {rule.endpoint: rule for rule in rules if ENDING.fullmatch(rule.endpoint.rpartition(".")[2])}
    silent = {name for name, rule in ending.items() if not is_asked(app, filled(rule.rule))}
    assert len(ending) > 15
    assert silent == ENDS_NOTHING.keys()
