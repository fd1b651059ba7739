"""Recipes of the guide for process administrators, done as they stand there: diffs applied to copies of the files."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from service.config import CHECKOUT

GUIDE = CHECKOUT / "docs" / "guide-process-administrators.md"


class Workshop:
    """A copy of the shipped diagrams and forms in which recipes are followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("processes", "forms"):
            shutil.copytree(CHECKOUT / name, folder / name)

    def follow(self, heading: str) -> None:
        """Apply every diff under a heading of the guide, in its order."""
        found = _diffs(heading)
        assert found, heading
        for diff in found:
            self._apply(diff)

    def _apply(self, diff: str) -> None:
        head, _, body = diff.partition("\n")
        file = self.folder / head[4:].strip()
        lines = body.splitlines()
        after = [line[1:] for line in lines if line[:1] in "+ "]
        if head.startswith("+++"):
            assert not file.exists(), file
            file.write_text("\n".join(after) + "\n", encoding="utf-8")
            return
        before = "\n".join(line[1:] for line in lines if line[:1] in "- ")
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, (file.name, text.count(before), before)
        new = text.replace(before, "\n".join(after)) if after else text.replace(before + "\n", "")
        file.write_text(new, encoding="utf-8")


def commands(heading: str) -> list[list[str]]:
    """The commands under a heading of the guide, as their arguments after ``anpei``."""
    told = "\n".join(re.findall(r"```console\n(.*?)\n```", _chapter(heading), re.DOTALL))
    return [shlex.split(line)[2:] for line in told.splitlines() if line.startswith("$ anpei ")]


def _diffs(heading: str) -> list[str]:
    return re.findall(r"```diff\n(.*?)\n```", _chapter(heading), re.DOTALL)


def _chapter(heading: str) -> str:
    chapter = re.split(r"^#{2,4} ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [own] = [part for part in chapter if part.partition("\n")[0] == heading]
    return own
