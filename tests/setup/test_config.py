"""Settings: read from the environment, secrets made once and for their owner alone."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.config import (
    InvalidSetting,
    MailServer,
    demo_password,
    normalise_url,
    read_keys,
    read_mail_server,
    settings,
)

KEY = base64.b64encode(bytes(range(32))).decode()
VARIABLES = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_READ_URL",
    "PORT",
    "SECRET_KEY",
    "KEYS",
    "DEMO_PASSWORD",
    "SMTP_URL",
    "MAIL_FROM",
    "ADDRESS",
    "SIGNING_KEY",
    "SIGNING_TOKEN",
    "TSA_URL",
)


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(f"ANPEI_{name}", raising=False)
    monkeypatch.setenv("ANPEI_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize("url", ["postgresql://u@h/d?x=1", "postgres://u@h/d?x=1", "postgresql+psycopg://u@h/d?x=1"])
def test_every_form_of_address_goes_through_psycopg2(url: str) -> None:
    assert normalise_url(url) == "postgresql+psycopg2://u@h/d?x=1"


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://h/d", "h/d"])
def test_another_database_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="ANPEI_DATABASE_URL"):
        normalise_url(url)


def test_without_an_address_the_embedded_server_is_used() -> None:
    assert settings().is_embedded
    assert settings().database_url.startswith("postgresql+psycopg2://anpei_app@/anpei?host=")


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    first = settings()
    settings.cache_clear()
    assert settings() == first
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {
        "keys": 0o600,
        "secret-key": 0o600,
    }
    assert len(first.digest_key) == 32
    assert first.keys[first.current_key] != first.digest_key


def test_the_last_key_is_the_current_one_and_older_ones_stay_readable(tmp_path: Path) -> None:
    file = tmp_path / "chosen"
    file.write_text(f"# ours\nk1:{KEY}\ndigest:{KEY}\n\nk2:{KEY}\n")
    keys, digest_key = read_keys(file)
    assert list(keys) == ["k1", "k2"]
    assert digest_key == bytes(range(32))


@pytest.mark.parametrize(
    "text", ["", f"k1:{KEY}", f"digest:{KEY}", f"k1:short\ndigest:{KEY}", f"k 1:{KEY}\ndigest:{KEY}"]
)
def test_a_key_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "chosen"
    file.write_text(text)
    with pytest.raises(InvalidSetting, match="chosen"):
        read_keys(file)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANPEI_PORT", port)
    with pytest.raises(InvalidSetting, match="ANPEI_PORT"):
        settings()


def test_the_demonstration_password_stays_what_it_was_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANPEI_DEMO_PASSWORD", "Chosen-Once-1")
    assert demo_password() == "Chosen-Once-1"
    monkeypatch.setenv("ANPEI_DEMO_PASSWORD", "Chosen-Later-2")
    assert demo_password() == "Chosen-Once-1"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://me:p%40ss@mail.example.cn", ("mail.example.cn", 465, "tls", "me", "p@ss")),
        ("smtp://mail.example.cn:2525", ("mail.example.cn", 2525, "starttls", "", "")),
        ("smtp+plain://localhost", ("localhost", 25, "plain", "", "")),
    ],
)
def test_the_mail_server_is_read_from_its_address(url: str, server: tuple[str, int, str, str, str]) -> None:
    assert read_mail_server(url, "anpei@example.cn") == MailServer(*server, "anpei@example.cn")


def test_without_an_address_there_is_no_mail_server() -> None:
    assert settings().mail is None


@pytest.mark.parametrize("url", ["http://mail.example.cn", "smtp://", "smtp://host:port", "mail.example.cn:25"])
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="ANPEI_SMTP_URL"):
        read_mail_server(url, "anpei@example.cn")


def test_a_mail_server_needs_a_sender() -> None:
    with pytest.raises(InvalidSetting, match="ANPEI_MAIL_FROM"):
        read_mail_server("smtp://mail.example.cn", "")
