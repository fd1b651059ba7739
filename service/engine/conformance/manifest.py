"""The manifests of a conformance folder: which models, which cases, and what is expected of each. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.engine.conformance import compatibility_kit


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a model: variables at the start, milliseconds to wait for timers, tokens expected."""

    data: dict[str, Any]
    parallel: bool
    delay: int
    expected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """Expectations of a model without cases, read from the words of its manifest."""

    may_run: bool
    may_refuse: bool
    must_end: bool
    must_fail: bool

    @staticmethod
    def of(words: str) -> Expected:
        """``rejected``, ``deployable``, ``clean_rejection_or_deployable``, ``… sandbox: …``,
        ``bounded incident …`` and the like.
        """
        said = words.lower().replace("not deployable", "rejected")
        must_fail = "sandbox" in said or "incident" in said
        either = must_fail or "deployable" in said or "bounded" in said
        return Expected(
            may_run=either or "reject" not in said,
            may_refuse=must_fail or "reject" in said or "deployable" not in said,
            must_end="to the end" in said or "terminates" in said,
            must_fail=must_fail,
        )


@dataclass(frozen=True, slots=True)
class Model:
    """One file of a folder."""

    name: str
    path: Path
    process: str | None = None
    trials: tuple[Trial, ...] = ()
    expected: Expected | None = None
    leaks: tuple[str, ...] = ()
    kit_case: int | None = None  # the place of a test case in a file of the compatibility kit


MANIFESTS = ("cases.json", "manifest.json")


def suites(folder: Path) -> list[Path]:
    """The folders with a manifest, or with test cases of the DMN kit: this one, or those directly in it, by name."""
    inner = [path for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() else []
    found = [path for path in (folder, *inner) if _has_manifest(path) or (path in inner and _kit_files(path))]
    return found or [folder] * bool(_kit_files(folder))


def _has_manifest(path: Path) -> bool:
    return any((path / name).is_file() for name in MANIFESTS)


def _kit_files(path: Path) -> list[Path]:
    """The files of the compatibility kit's test cases, in whatever folders of a folder without a manifest."""
    return [] if _has_manifest(path) or not path.is_dir() else sorted(path.rglob(compatibility_kit.PATTERN))


def models(suite: Path) -> Iterator[Model]:
    """Every model that the manifests of a folder name, in their order; every test case of the kit."""
    for name in MANIFESTS:
        if (suite / name).is_file():
            for entry in json.loads((suite / name).read_text(encoding="utf-8")):
                yield _model(suite, entry)
    for file in _kit_files(suite):
        for place, name in enumerate(compatibility_kit.cases_in(file)):
            yield Model(f"{file.parent.name}/{name}", file, kit_case=place)


def _model(suite: Path, entry: dict[str, Any]) -> Model:
    path = suite / entry["file"]
    if "cases" in entry:
        trials = tuple(_trial(case) for case in entry["cases"])
        return Model(entry.get("name") or path.stem, path, entry.get("process_id"), trials)
    leaks = tuple(entry.get("leak_markers", ()))
    return Model(entry["file"], path, expected=Expected.of(entry.get("expected", "")), leaks=leaks)


def _trial(case: dict[str, Any]) -> Trial:
    data = {"test": case.get("input") or "", "integerVariable": case.get("integerVariable") or 0}
    return Trial(
        data, bool(case.get("parallelProcess")), int(case.get("delay_ms") or 0), tuple(case.get("expected", ()))
    )
