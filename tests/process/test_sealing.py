"""The log: everything written is sealed once, no late committer is passed over, and its head is kept outside."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, tsp
from sqlalchemy import create_engine, text

from service.config import settings
from service.evidence import verify
from service.infrastructure.seals import seal_keys, seal_places
from service.infrastructure.seals.merkle_log import roots
from service.models.db.session import session
from service.models.queries.system.sealed_rows import LEAVES
from service.workflow.runtime import tasks as cases
from service.workflow.system.sealing import seal_new
from tests.builders.sealed import seal_in
from tests.process.small_process import deploy, person

WRITTEN = """
    SELECT (SELECT count(*) FROM journal) + (SELECT count(*) FROM row_change) + (SELECT count(*) FROM audit_event)
        + (SELECT count(*) FROM definition_version)
"""


@pytest.fixture
def sealing(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Change how this test seals; its data folder is a new one."""

    seal_in(tmp_path, monkeypatch)
    return partial(seal_in, tmp_path, monkeypatch)


def leaves() -> list[bytes]:
    session().rollback()
    return [bytes(leaf) for leaf in session().scalars(LEAVES)]


def test_everything_written_is_a_leaf_once_and_the_signed_root_is_over_all(app: Any, clock: Any, sealing: Any) -> None:
    deploy()
    started = cases.start(person("a", "association"), "small", {})
    first = seal_new()
    assert first is not None
    assert len(leaves()) == first["body"]["size"] == session().scalar(text(WRITTEN))
    assert seal_new() is None
    cases.complete(person("b", "association"), started.tasks[0], {"decision": "yes"})
    second = seal_new()
    assert second is not None
    assert len(leaves()) == second["body"]["size"] == session().scalar(text(WRITTEN))
    assert [root.hex() for _, root in roots(leaves(), [h["body"]["size"] for h in (first, second)])] == [
        head["body"]["root"] for head in (first, second)
    ]
    assert seal_places.kept_heads() == [first, second]
    (key,) = seal_keys.public_keys().values()
    assert verify.is_head_signed(second, verify.identity(key), key)


def test_who_commits_late_is_sealed_with_the_next_seal_and_waits_for_none(app: Any, clock: Any, sealing: Any) -> None:
    seal_new()
    before = len(leaves())
    late = create_engine(settings().database_url)
    insert = text(
        "INSERT INTO audit_event (id, at, action, outcome, detail) VALUES (gen_random_uuid(), now(), :action, 'ok', '{}')"
    )
    with late.connect() as connection:
        connection.execute(insert, {"action": "late"})
        person("a", "association")  # begins after it and is committed before it
        seal_new()
        early = len(leaves())
        connection.commit()
    late.dispose()
    person("b", "association")
    seal_new()
    assert early > before
    assert len(leaves()) == session().scalar(text(WRITTEN))


def test_a_database_restored_on_a_younger_server_is_sealed_on(app: Any, clock: Any, sealing: Any) -> None:
    """Its transactions are counted from a lower number than the horizon of the last seal."""
    from tests.database import alter_as_owner

    seal_new()
    alter_as_owner("UPDATE seal SET horizon = 1::bigint << 60")
    person("a", "association")
    assert seal_new() is not None
    assert len(leaves()) == session().scalar(text(WRITTEN))


def test_a_head_that_a_crash_left_out_of_the_file_is_put_in(app: Any, clock: Any, sealing: Any) -> None:
    seal_new()
    person("a", "association")
    seal_new()
    kept = seal_places.file().read_text().splitlines()
    seal_places.file().write_text(kept[0] + "\n" + kept[1][:40])  # the power failed within a line
    person("b", "association")
    seal_new()
    assert [head["body"]["size"] for head in seal_places.kept_heads()] == session().scalars(
        text("SELECT size FROM seal ORDER BY size")
    ).all()


def test_two_keys_sign_while_one_follows_the_other(app: Any, clock: Any, sealing: Any) -> None:
    heads = []
    for n in range(4):
        person(f"p{n}", "association")
        heads.append(seal_new())
        seal_keys.rotate()
    signers = [list(head["signatures"]) for head in heads]
    assert [len(names) for names in signers] == [1, 2, 2, 2]
    assert all(set(one) & set(next_) for one, next_ in pairwise(signers))
    assert all(seal_keys.is_signed(head) for head in heads)
    changed = json.loads(json.dumps(heads[0]).replace('"size": ', '"size": 1'))
    assert not seal_keys.is_signed(changed)


@pytest.fixture
def outside() -> Iterator[tuple[str, list[bytes]]]:
    """A second place, and at ``/stamp`` a time-stamping authority that stamps what it is asked to."""
    received: list[bytes] = []

    class Place(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(sent)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(stamped(sent) if self.path == "/stamp" else b"")

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Place)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def stamped(request: bytes) -> bytes:
    from datetime import UTC, datetime

    asked = tsp.TimeStampReq.load(request)
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3",
            "message_imprint": asked["message_imprint"],
            "serial_number": 1,
            "gen_time": datetime.now(UTC),
            "nonce": asked["nonce"].native,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(info.dump())},
            "signer_infos": [],
        }
    )
    token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())


def test_heads_go_to_the_second_place_and_are_stamped(
    app: Any, clock: Any, sealing: Any, outside: tuple[str, list[bytes]]
) -> None:
    address, received = outside
    sealing(place=address, timestamps=f"{address}/stamp")
    head = seal_new()
    assert json.loads(received[0]) == head
    assert tsp.TimeStampReq.load(received[1])["message_imprint"]["hash_algorithm"]["algorithm"].native == "sha256"
    stamp = json.loads(seal_places.file().read_text().splitlines()[-1])
    assert stamp["stamped"] == head["body"]["size"]
    assert seal_places.kept_heads() == [head]


def test_a_second_place_that_does_not_answer_leaves_seal_and_file(app: Any, clock: Any, sealing: Any) -> None:
    sealing(place="http://127.0.0.1:9")
    with pytest.raises(OSError):
        seal_new()
    assert len(seal_places.kept_heads()) == 1
