"""The list of names in the guide is that of the code."""

from __future__ import annotations

import pytest

from service import handlers
from setup import names


def test_the_list_of_names_is_current(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["names", "check"])
    assert names.main() == 0, capsys.readouterr().out
    assert all(f"`{topic}`" in names.PAGE.read_text() for topic in handlers.topics())
