"""500 certificates as one file: what a face costs beside WeasyPrint alone, and the memory of all processes together.

``python -m tests.bench --only certificates`` measures alone.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from service.config import EMBEDDED_ROLES
from service.migrations import upgrade
from service.models.db.time_limits import JOB
from tests.bench.figures import Figures
from tests.bench.processes import at_once
from tests.bench.scratch import application, scratch

DATABASE, FACES, BARE = "bench_certificates", 500, 100
PIECE = 50  # faces of one bare document
ADDRESS = "https://example.org/verify/{}"


def measure(figures: Figures) -> None:
    """Print the certificates by the batch that people begin, then the same faces by WeasyPrint alone."""
    with scratch() as server:
        server.create_database(DATABASE)
        upgrade(server.url(DATABASE, EMBEDDED_ROLES.owner), EMBEDDED_ROLES)
        url = server.url(DATABASE)
        ((user_id, held, bare),) = at_once(_prepare, [(url,)])
        (found,) = at_once(_print, [(url, user_id, held)])  # a process that has laid nothing out yet
    found["bare_ms"] = (bare + found["bare_ms"]) / 2  # before and after, since the machine has other work
    figures.key("faces_over_bare", found["cpu_ms"] / found["bare_ms"])
    figures.key("certificates_500_rss_mb", found["rss_mb"])
    figures.row(
        f"{FACES} certificates as one file",
        f"{found['seconds']:.1f} s",
        f"a face {found['cpu_ms']:.0f} ms of CPU, WeasyPrint alone {found['bare_ms']:.0f} ms; {found['rss_mb']:.0f} MB",
    )
    figures.details["certificates"] = found


def _prepare(ready: Callable[[], Any], url: str) -> tuple[UUID, list[UUID], float]:
    """Make the certificates, and lay some out by WeasyPrint alone."""
    app = application(url)
    with app.app_context():
        from service.workflow.system import reference_data
        from tests.builders.world import (
            authority_user,
            identity_number,
            make_certificate,
            make_person,
            make_photo,
            make_unit,
        )

        reference_data.ensure()
        unit, user = make_unit(), authority_user("association")
        held = []
        for n in range(FACES):
            person = make_person(unit, number=identity_number(n % 100, birth=f"{1960 + n // 100}0101"))
            make_photo(person)
            held.append(make_certificate(person).id)
        ready()
        return user.id, held, _bare_ms(user, held)


def _print(ready: Callable[[], Any], url: str, user_id: UUID, held: list[UUID]) -> dict[str, Any]:
    """Print them as the worker does."""
    app = application(url, JOB)
    with app.app_context():
        from service.models.tables.accounts.user import User
        from service.models.tables.certificates.print_batch import PrintBatch
        from service.workflow.certificates import printing
        from service.workflow.runtime import jobs

        user = User.get(user_id)
        assert user is not None
        batch = printing.begin_batch(user, held, "benchmark", "", ADDRESS)
        ready()
        watch, began, cpu = _Watch(), time.perf_counter(), _cpu()
        with watch:
            jobs.run_at_once(batch.id)
        seconds, cpu_ms = time.perf_counter() - began, (_cpu() - cpu - watch.cpu) * 1000 / FACES
        row = PrintBatch.recent(user_id, 1)[0]
        assert (row.state, row.done) == ("done", FACES), row.error
        size = printing.read_file(row)[0]
        bare = _bare_ms(user, held)
    return {"bare_ms": bare, "seconds": seconds, "cpu_ms": cpu_ms, "rss_mb": watch.most / 2**20, "bytes": size}


def _bare_ms(user: Any, held: list[Any]) -> float:
    """CPU of a face by WeasyPrint alone, with the style sheet and fonts loaded."""
    from weasyprint import CSS, HTML

    from service.config import TEMPLATES
    from service.infrastructure.documents import pdf, pdf_renderer
    from service.models.queries.certificates.print_list import printable
    from service.workflow.certificates import faces

    fetcher, fonts = pdf_renderer.OwnFiles(allow_redirects=False), pdf_renderer.fonts()
    sheet = CSS(TEMPLATES / faces.STYLE, font_config=fonts, url_fetcher=fetcher)
    shown = faces.faces_of(printable(user, held[:BARE], with_numbers=True), ADDRESS)
    texts = [
        pdf.render(faces.TEMPLATE, {"title": "x", "faces": shown[at : at + PIECE]}) for at in range(0, BARE, PIECE)
    ]
    began = time.process_time()
    for text in texts:
        page = HTML(string=text, base_url=TEMPLATES.as_uri() + "/", url_fetcher=fetcher)
        page.render(stylesheets=[sheet], font_config=fonts, pdf_variant=pdf_renderer.VARIANT).write_pdf(
            pdf_variant=pdf_renderer.VARIANT
        )
    return (time.process_time() - began) * 1000 / BARE


def _cpu() -> float:
    """Seconds of this process and of those it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class _Watch:
    """The most memory that this process and its children hold together, asked ten times a second.

    cpu: the seconds that asking takes, which is much: the system goes through all their pages.
    """

    def __init__(self) -> None:
        self.most, self.cpu = 0, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.most = max(self.most, sum(map(_held_by, (os.getpid(), *_descendants(os.getpid())))))
            self.cpu = time.thread_time()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _descendants(process: int) -> list[int]:
    """The processes that it has started, and those that they have."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return children + [found for child in children for found in _descendants(child)]


def _held_by(process: int) -> int:
    """Its share of memory in bytes: pages that several hold count once."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
