"""An outside ledger: what a server has acknowledged while its parts were killed, compared with what its database holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any
from uuid import uuid4

import requests

from service.app import create_app
from service.workflow.versions import deployments
from tests.api.rest_world import HASH, PASSWORD
from tests.builders.world import authority_id, make_user

LOGIN, PATIENCE, PAUSE = "bookkeeper", 10, 0.05  # seconds for one answer, and between two cases
WAY = ["start", "complete", "timer"]
"""The inputs of a case: a client begins it and completes its task, the worker does the timer behind that."""
DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="definitions" targetNamespace="http://anpei/tests">
  <bpmn:process id="ledger" name="记账" isExecutable="true" camunda:candidateStarterGroups="association">
    <bpmn:startEvent id="begun" name="开始"/>
    <bpmn:userTask id="work" name="办理" camunda:candidateGroups="association"/>
    <bpmn:intermediateCatchEvent id="later" name="稍后"><bpmn:timerEventDefinition id="second"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:endEvent id="done" name="完成"/>
    <bpmn:sequenceFlow id="f1" sourceRef="begun" targetRef="work"/>
    <bpmn:sequenceFlow id="f2" sourceRef="work" targetRef="later"/>
    <bpmn:sequenceFlow id="f3" sourceRef="later" targetRef="done"/>
  </bpmn:process>
</bpmn:definitions>
"""


class Ledger:
    """A client that begins and completes cases while the block runs, and never asks twice.

    asked: every business key; begun, completed: the keys of which the server has said so; mute: answers of 5xx without
    ``Retry-After``.
    """

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self.begun: set[str] = set()
        self.completed: set[str] = set()
        self.mute: list[str] = []
        self._url = f"http://127.0.0.1:{port}/engine-rest"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Ledger:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._ended.wait(PAUSE):
            with suppress(requests.RequestException):
                self._take(str(uuid4()))

    def _take(self, key: str) -> None:
        self.asked.append(key)
        started = self._ask("POST", "/process-definition/key/ledger/start", {"businessKey": key})
        if started.status_code != 200:
            return
        self.begun.add(key)
        found = self._ask("GET", f"/task?processInstanceId={started.json()['id']}")
        if found.status_code != 200:
            return
        [task] = found.json()
        if self._ask("POST", f"/task/{task['id']}/complete", {}).status_code == 204:
            self.completed.add(key)

    def _ask(self, method: str, path: str, content: object = None) -> requests.Response:
        answer = requests.request(method, self._url + path, json=content, auth=(LOGIN, PASSWORD), timeout=PATIENCE)
        if answer.status_code >= 500 and "Retry-After" not in answer.headers:
            self.mute.append(f"{answer.status_code} {path}: {answer.text[:200]}")
        return answer

    def differences(self, execute: Callable[[str, str], Iterable[Any]]) -> list[str]:
        """What the database has lost of what was acknowledged, what it has twice, and timers still to come.

        execute: runs a statement in a database of the server.
        """
        held: dict[str, list[list[str]]] = {}
        rows = execute(
            "SELECT c.business_key, array_agg(j.kind ORDER BY j.seq) FROM case_instance c JOIN journal j ON j.case_id = c.id "
            "WHERE c.process = 'ledger' GROUP BY c.id, c.business_key",
            "anpei",
        )
        for key, kinds in rows:
            held.setdefault(key, []).append(kinds)
        found = [f"lost: {key}" for key in self.begun if key not in held]
        found += [f"completion lost: {key}" for key in self.completed & held.keys() if "complete" not in held[key][0]]
        found += [
            f"doubled: {key}" for key, cases in held.items() if len(cases) > 1 or cases[0] != WAY[: len(cases[0])]
        ]
        found += [f"no timer: {key}" for key, cases in held.items() if len(cases[0]) == len(WAY) - 1]
        return found + [f"nobody asked: {key}" for key in held.keys() - set(self.asked)]


def prepare() -> None:
    """Deploy the process and make the client's account, in the database that the environment names."""
    with create_app().app_context():
        deployments.deploy({"ledger.bpmn": DIAGRAM.encode()})
        make_user("association", authority_id("association"), login=LOGIN, password_hash=HASH)


if __name__ == "__main__":
    prepare()
