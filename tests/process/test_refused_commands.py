"""A command that is refused says once what is wrong, and names what it did not find."""

from __future__ import annotations

from collections import Counter

import click
import pytest
from flask import Flask

from service import cli, errors
from service.cli.version_changes import _version
from service.errors import AnpeiError, DefinitionRefused, InvalidInput, NotFound


def every_error() -> list[AnpeiError]:
    classes = [AnpeiError]
    for one in classes:
        classes += [each for each in one.__subclasses__() if each.__module__ == errors.__name__]
    plain = [InvalidInput({"reason": "请写明原因。", "target": "请选版本。"}), DefinitionRefused([])]
    return plain + [one("这里说明。") for one in classes if one not in (InvalidInput, DefinitionRefused)]


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_what_is_wrong_is_said_once(monkeypatch: pytest.MonkeyPatch, error: AnpeiError) -> None:
    @click.command()
    def refused() -> None:
        raise error

    monkeypatch.setattr(cli, "anpei", lambda prog_name: refused([], prog_name))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert str(error.message) in str(ended.value.code)
    said = [word for word in str(ended.value.code).split() if word != "anpei:"]
    assert [word for word, count in Counter(said).items() if count > 1] == []


@pytest.mark.parametrize("asked", ["nothing", "nothing:3", "small:99", "small:x", "absent.bpmn", ":1"])
def test_what_was_not_found_is_named(app: Flask, asked: str) -> None:
    with pytest.raises(NotFound, match=f"“{asked}”"):
        _version(asked)
