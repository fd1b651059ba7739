"""An evidence file is checked alone, in an empty folder, and every byte that is changed in it is noticed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from service.errors import Conflict, NotAllowed, NotFound
from service.evidence import verify
from service.infrastructure.seals import seal_keys, seal_places
from service.models.db.session import session
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import authority_id
from service.workflow.runtime import tasks as cases
from service.workflow.system.evidence import evidence_for, make_evidence
from service.workflow.system.sealing import seal_new
from tests.builders.sealed import seal_in
from tests.process.small_process import deploy, person


@pytest.fixture
def taken(app: Any, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Evidence of a case with one row that is not sealed yet; two heads are older."""
    seal_in(tmp_path, monkeypatch)
    deploy()
    association = person("a", "association")
    started = cases.start(association, "small", {})
    seal_new()
    done = cases.complete(association, started.tasks[0], {"decision": "yes"})
    seal_new()
    cases.complete(person("m", "ministry"), done.opened[0], {})
    return make_evidence([started.case_id])


def checked(content: bytes, folder: Path, *options: str) -> tuple[int, str]:
    """Run the verifier of the file alone."""
    folder.mkdir(exist_ok=True)
    (folder / "evidence.zip").write_bytes(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extract("verify.py", folder)
    command = [sys.executable, "-I", "verify.py", "evidence.zip", *options]
    done = subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_it_is_verified_alone_in_an_empty_folder(taken: bytes, tmp_path: Path) -> None:
    (key,) = seal_keys.public_keys().values()
    code, said = checked(taken, tmp_path / "empty", "--key", key, "--seals", str(seal_places.file()))
    assert (code, said.splitlines()[-1]) == (0, "1 cases, 0 differences"), said
    assert "row 2 is not sealed yet" in said


def test_another_key_or_another_log_than_the_one_kept_is_said(taken: bytes, tmp_path: Path) -> None:
    kept = seal_places.kept_heads()
    other = kept[0] | {"body": kept[0]["body"] | {"root": "0" * 64}}
    (tmp_path / "kept.jsonl").write_text(json.dumps(other))
    code, said = checked(taken, tmp_path / "empty", "--seals", str(tmp_path / "kept.jsonl"))
    assert code == 1
    assert "another one than that of the seal you kept" in said
    code, said = checked(taken, tmp_path / "empty", "--key", "00" * 32)
    assert code == 1
    assert "not signed by a key you trust" in said


def test_an_old_file_and_one_of_another_database_with_the_same_key_are_told_by_a_kept_seal(
    taken: bytes, tmp_path: Path
) -> None:
    (key,) = seal_keys.public_keys().values()
    now_kept = seal_new()
    assert now_kept is not None
    other = seal_keys.sign(seal_places.kept_heads()[0]["body"] | {"log": str(uuid4())})
    for kept, named in ((now_kept, "the log was longer when you kept its seal"), (other, "the log is another one")):
        (tmp_path / "kept.jsonl").write_text(json.dumps(kept))
        code, said = checked(taken, tmp_path / "empty", "--key", key, "--seals", str(tmp_path / "kept.jsonl"))
        assert (code, named in said) == (1, True), said
        assert checked(taken, tmp_path / "empty", "--key", key)[0] == 0, "the file agrees with itself"


def repacked(content: bytes, name: str, change: Any, relist: bool) -> bytes:
    """The file with one entry changed, and by a careful forger listed anew."""
    import hashlib

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    files[name] = change(files[name])
    if relist:
        manifest = json.loads(files["manifest.json"])
        manifest["files"][name] = hashlib.sha256(files[name]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for entry, data in files.items():
            archive.writestr(entry, data)
    return out.getvalue()


def differences(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        evidence = verify.Evidence(archive)
        evidence.check(list(seal_keys.public_keys().values()), [])
    return evidence.faults


FORGERIES = [
    ("journal.jsonl", b'"decision":"yes"', b'"decision":"no!"'),
    ("journal.jsonl", b'"kind":"complete"', b'"kind":"external"'),
    ("inclusion.json", b'"0"', b'"7"'),
    ("head.json", b'"root": "', b'"root": "0'),
    ("consistency.json", b'"', b'"0'),
    ("small.bpmn", b'sourceRef="gw" targetRef="refused"', b'sourceRef="gw" targetRef="sign"'),
]


@pytest.mark.parametrize("relist", [False, True])
@pytest.mark.parametrize("forgery", FORGERIES, ids=[name for name, _, _ in FORGERIES])
def test_what_is_changed_in_it_is_noticed(taken: bytes, forgery: tuple[str, bytes, bytes], relist: bool) -> None:
    ending, before, after = forgery
    assert differences(taken) == []
    with zipfile.ZipFile(io.BytesIO(taken)) as archive:
        (name,) = [entry for entry in archive.namelist() if entry.endswith(ending)]
        assert before in archive.read(name)
    try:
        found = differences(repacked(taken, name, lambda data: data.replace(before, after), relist))
    except ValueError:
        return  # said as a file that cannot be read
    assert found


def test_only_an_auditor_takes_it_and_that_is_remembered(taken: bytes, app: Any) -> None:
    case_id = json.loads(zipfile.ZipFile(io.BytesIO(taken)).read("manifest.json"))["cases"][0]
    with pytest.raises(NotAllowed):
        evidence_for(person("x", "ministry"), [case_id])
    assert evidence_for(person("au", "audit_admin", authority_id("platform")), [case_id])
    (event,) = session().query(AuditEvent).filter_by(action="export_evidence")
    assert str(event.object_id) == case_id


def test_without_a_seal_or_a_case_there_is_none(
    app: Any, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Conflict):
        make_evidence([uuid4()])
    seal_in(tmp_path, monkeypatch)
    seal_new()
    with pytest.raises(NotFound):
        make_evidence([uuid4()])
