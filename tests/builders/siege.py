"""A siege of a server on this machine: slow clients, files that cost more than they weigh, guessers; and a normal user."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import requests
import xlsxwriter
from PIL import Image

from service.config import CHECKOUT
from tests.builders.slow_clients import KINDS, SlowClients

PAGES = ("/", "/inbox", "/persons", "/persons/new", "/enrollments", "/certificates", "/classes", "/tickets", "/account")
PATIENCE = 60  # seconds for one answer
STEP = 0.2  # seconds between two looks at the memory of all processes


class Client:
    """A browser without a screen that signs in through the form."""

    def __init__(self, port: int) -> None:
        self.url, self._session = f"http://127.0.0.1:{port}", requests.Session()

    def get(self, path: str) -> requests.Response:
        return self._session.get(self.url + path, timeout=PATIENCE, allow_redirects=False)

    def post(self, path: str, form_of: str, data: dict[str, str], **files: bytes) -> requests.Response:
        """Post with the token of the form's page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(form_of).text)
        sent = data | ({"csrf_token": found[1]} if found else {})
        given = {name: (f"{name}.bin", content) for name, content in files.items()}
        url = self.url + path
        return self._session.post(url, data=sent, files=given or None, timeout=PATIENCE, allow_redirects=False)

    def sign_in(self, login: str, password: str) -> Client:
        answer = self.post("/sign-in", "/sign-in", {"login": login, "password": password})
        if answer.status_code != 302:
            raise RuntimeError(f"{login}: the sign-in answered {answer.status_code}")
        return self


@contextmanager
def besieged(port: int, login: str, password: str, slow: int, guessers: int) -> Iterator[dict[str, int]]:
    """Attack while the block runs, from a process of its own, so that the attackers' work is not a user's waiting.

    After the block the dictionary tells what the attackers were answered, by attack and status.
    """
    command = [sys.executable, "-m", "tests.builders.siege", str(port), login, str(slow), str(guessers)]
    pipe, answers = subprocess.PIPE, dict[str, int]()
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True) as attackers:
        assert attackers.stdin is not None
        assert attackers.stdout is not None
        attackers.stdin.write(f"{password}\n")
        attackers.stdin.flush()
        if attackers.stdout.readline() != "ready\n":
            raise RuntimeError("the attackers have not come")
        try:
            yield answers
        finally:
            attackers.stdin.close()
            answers |= json.loads(attackers.stdout.readline() or "{}")


@dataclass
class Siege:
    """Attackers at work; ``answers`` counts what they were told, by attack and status."""

    port: int
    login: str
    password: str
    slow: int
    guessers: int
    answers: dict[tuple[str, int], int] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Attack while the block runs; returns once all attackers have gone."""
        ended = threading.Event()
        acts = [self._sheets(), self._pictures()]
        acts += [self._form_guesses(n) if n % 2 else self._basic_guesses(n) for n in range(self.guessers)]
        threads = [threading.Thread(target=self._attack, args=(act, ended), daemon=True) for act in acts]
        with ExitStack() as stack:
            for at, kind in enumerate(KINDS):
                count = self.slow // len(KINDS) + (at < self.slow % len(KINDS))
                stack.callback(SlowClients(self.port, kind, count).close)
            for one in threads:
                one.start()
            yield
            ended.set()
            for one in threads:
                one.join()

    def _attack(self, act: Callable[[], tuple[str, int]], ended: threading.Event) -> None:
        while not ended.is_set():
            try:
                told = act()
            except requests.RequestException:
                told = ("no answer", 0)
            self.answers[told] = self.answers.get(told, 0) + 1

    def _sheets(self) -> Callable[[], tuple[str, int]]:
        client, bomb = Client(self.port).sign_in(self.login, self.password), sheet_bomb()

        def send() -> tuple[str, int]:
            answer = client.post("/persons/import", "/persons/import", {"import_id": str(uuid4())}, file=bomb)
            return "sheet", answer.status_code

        return send

    def _pictures(self) -> Callable[[], tuple[str, int]]:
        client, bomb = Client(self.port).sign_in(self.login, self.password), picture_bomb()
        return lambda: ("picture", client.post("/persons", "/persons/new", {"name": "张三"}, photo=bomb).status_code)

    def _form_guesses(self, n: int) -> Callable[[], tuple[str, int]]:
        client = Client(self.port)
        guess = {"login": f"guessed-{n}", "password": "Wrong-Guess-2026"}
        return lambda: ("form", client.post("/sign-in", "/sign-in", guess).status_code)

    def _basic_guesses(self, n: int) -> Callable[[], tuple[str, int]]:
        url, given = f"http://127.0.0.1:{self.port}/engine-rest/task", (f"guessed-{n}", "Wrong-Guess-2026")
        return lambda: ("basic", requests.get(url, auth=given, timeout=PATIENCE).status_code)


def picture_bomb() -> bytes:
    """A progressive JPEG whose last scan is repeated 400 times."""
    out = io.BytesIO()
    Image.new("RGB", (4100, 5740), "white").save(out, "JPEG", progressive=True)
    data = out.getvalue()
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 400 + b"\xff\xd9"


def sheet_bomb() -> bytes:
    """Millions of cells in a few kilobytes."""
    plain, packed = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(plain, {"in_memory": True}) as written:
        written.add_worksheet()
    cells = "<sheetData><row>" + "<c/>" * 3_900_000 + "</row></sheetData>"
    sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{cells}</worksheet>'
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bomb:
        for name in source.namelist():
            bomb.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else source.read(name))
    return packed.getvalue()


def visit(client: Client, pages: Sequence[str], rounds: int) -> list[float]:
    """Seconds of each page of each round, one after the other. Raises when one is not answered with a page."""
    seconds = []
    for _ in range(rounds):
        for page in pages:
            began = time.perf_counter()
            status = client.get(page).status_code
            seconds.append(time.perf_counter() - began)
            if status != 200:
                raise RuntimeError(f"{page} answered {status}")
    return seconds


class Memory:
    """The most memory that any process of a tree has held, looked at again and again: ``most`` in MB by command."""

    def __init__(self, *roots: int) -> None:
        self.most: dict[str, float] = {}
        self._roots, self._ended = roots, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            for root in self._roots:
                self._look(root)
            if self._ended.wait(STEP):
                return

    def _look(self, process: int) -> None:
        folder = Path(f"/proc/{process}")
        try:
            peak = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
            command = (folder / "cmdline").read_text().replace("\0", " ")
            children = [pid for one in folder.glob("task/*/children") for pid in one.read_text().split()]
        except OSError:  # it has ended
            return
        if peak:
            name = "decoder" if "decoder.py" in command else "web" if "gunicorn" in command else "other"
            self.most[name] = max(self.most.get(name, 0.0), int(peak[1]) / 1000)
        for child in children:
            self._look(int(child))


def main(port: str, login: str, slow: str, guessers: str) -> None:
    """Besiege until standard input ends; the password comes there first. Attackers are elsewhere: they yield."""
    os.nice(10)
    siege = Siege(int(port), login, sys.stdin.readline().strip(), int(slow), int(guessers))
    with siege.running():
        print("ready", flush=True)
        sys.stdin.read()
    print(json.dumps({f"{attack} {status}": count for (attack, status), count in sorted(siege.answers.items())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
