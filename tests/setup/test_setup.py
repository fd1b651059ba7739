"""Set-up: steps are skipped while nothing changed; what is missing is named with the command to type."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from setup import browser, frontend, system, translations
from setup.step import CHECKOUT, SetupFailed, once


def test_a_step_is_done_again_only_when_its_inputs_change(tmp_path: Path) -> None:
    source, done = tmp_path / "source", []
    source.write_text("a")
    for _ in range(2):
        once("a step", tmp_path, (source, "x"), lambda: done.append(1))
    assert len(done) == 1
    source.write_text("b")
    once("a step", tmp_path, (source, "x"), lambda: done.append(1))
    assert len(done) == 2


def test_a_step_that_failed_is_done_again(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        once("a step", tmp_path, (), lambda: 1 // 0)
    done: list[int] = []
    once("a step", tmp_path, (), lambda: done.append(1))
    assert done


def test_an_ordinary_user_is_told_the_exact_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_loads", lambda library: library != "libpango-1.0.so.0")
    monkeypatch.setattr(system, "may_become_root", lambda: False)
    monkeypatch.setattr(system.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SetupFailed, match=r"sudo apt-get install -y --no-install-recommends libpango-1\.0-0\n"):
        system.install(with_browser=False)


def test_where_chromium_is_no_package_apt_is_not_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(system, "_apt", asked.append)
    monkeypatch.setattr(system, "_has_chinese_font", lambda: False)
    monkeypatch.setattr(browser, "find", lambda: None)
    for is_packaged in (True, False):
        monkeypatch.setattr(browser, "is_packaged", lambda answer=is_packaged: answer)
        system.install(with_browser=True)
    assert asked == [[system.CHINESE_FONT, "chromium"], [system.CHINESE_FONT]]


def test_every_front_end_file_is_in_place() -> None:
    assert [target for target in frontend.FILES.values() if not (frontend.VENDOR / target).exists()] == []


def test_no_lock_file_names_where_packages_come_from() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-node.txt", "package-lock.json"):
        text = (CHECKOUT / name).read_text()
        assert "index-url" not in text
        assert '"resolved"' not in text


def test_every_text_that_people_read_has_its_english() -> None:
    assert translations.problems() == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for file, wanted in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", [*project["dependencies"], *project["optional-dependencies"]["dev"]]),
    ):
        locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (CHECKOUT / file).read_text().lower(), re.MULTILINE))
        for requirement in map(Requirement, wanted):
            version = locked.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement} is missing in {file}: make lock"
            assert version in requirement.specifier, f"{file} holds {requirement.name} {version}: make lock"
