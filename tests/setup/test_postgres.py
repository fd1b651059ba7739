"""The embedded server in the situations that a machine brings: killed, stale files, spaces, several users."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.config import data_dir
from service.infrastructure.postgres import Server, ServerFailed


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a space in its path that the server's user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="anpei test "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    made = Server(home, is_durable=False, programs_in=data_dir())
    made.start()
    yield made
    made.stop()


def postmaster(server: Server) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_data_survive_a_restart(server: Server) -> None:
    server.execute("CREATE TABLE kept (word text)")
    server.stop()
    assert not server.is_ready()
    server.start()
    assert server.execute("SELECT count(*) FROM kept") == [(0,)]


def test_a_killed_server_starts_again(server: Server) -> None:
    for _ in range(2):
        os.kill(postmaster(server), signal.SIGKILL)
        server.start()
        assert server.execute("SELECT 1") == [(1,)]


def test_a_pid_file_that_names_a_living_stranger_does_not_block_the_start(server: Server) -> None:
    server.stop()
    (server.data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{server.data}\n1700000000\n5432\n{server.sockets}\n\n 1 2\nready\n"
    )
    server.start()
    assert server.execute("SELECT 1") == [(1,)]


def test_an_interrupted_first_start_leaves_nothing_that_blocks_the_next(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with Server(home, is_durable=False, programs_in=data_dir()).running() as server:
        assert server.is_ready()


def test_whoever_leaves_last_stops_the_server(home: Path) -> None:
    first, second = (Server(home, is_durable=False, programs_in=data_dir()) for _ in range(2))
    with first.running():
        with second.running():
            assert first.is_ready()
        assert first.is_ready()
    assert not first.is_ready()


def test_only_its_owner_may_enter_the_socket_folder_and_the_data(server: Server) -> None:
    for folder in (server.sockets, server.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_socket_folder_that_somebody_else_put_there_is_refused(home: Path) -> None:
    server = Server(home, programs_in=data_dir())
    server.sockets.symlink_to(home)
    with pytest.raises(ServerFailed, match="belongs to another user"):
        server.start()
    server.sockets.unlink()


def test_sessions_are_utc_and_nothing_listens_on_the_network(server: Server) -> None:
    assert server.execute("SHOW timezone") == [("UTC",)]
    assert server.execute("SHOW listen_addresses") == [("",)]


def test_the_service_waits_for_the_disk_at_each_commit(home: Path) -> None:
    with Server(home, programs_in=data_dir()).running() as server:
        settings = server.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'data_checksums')"
        )
        assert dict(settings) == {"fsync": "on", "synchronous_commit": "on", "data_checksums": "on"}
