"""Data that all cases share: accounts, institutions, definitions; small enough to be sent to each process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from service import engine
from service.domain.units.provinces import AUTHORITY_CODES
from service.engine import Definition
from service.models.tables.units.organisation import authority_id
from tests.bench.full_scale.case_run import Forms

PROCESSES = ("personnel_approval", "training_enrollment", "training_class", "certificate_deregistration")


@dataclass(frozen=True)
class SharedData:
    """Sent once to each worker process.

    Args:
        now: the instant up to which cases are run.
        today: the civil date on which the projection of needs is decided.
        bundles: files of the definition in force, by process.
        offices: id of the account, by login: ``ministry``, ``association``, ``province-NN``.
        types: id and name of each qualification type, by code.
        institutions: id, account and name of each.
        photos: ids of the shared pictures.
        decision: digest of the definition that carries ``training_need``.
    """

    seed: int
    now: datetime
    today: date
    bundles: dict[str, dict[str, bytes]]
    offices: dict[str, UUID]
    types: dict[str, tuple[UUID, str]]
    institutions: list[tuple[UUID, UUID, str]]
    photos: list[UUID]
    decision: str

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        return {name: engine.read_definition(self.bundles[name], name, validate=False) for name in PROCESSES}

    @cached_property
    def forms(self) -> dict[str, Forms]:
        return {name: Forms(definition) for name, definition in self.definitions.items()}

    @cached_property
    def deciding(self) -> Definition:
        """The definition that the projection of needs refers to."""
        return next(d for d in self.definitions.values() if d.digest == self.decision)

    def office(self, code: str) -> UUID:
        """The account of a province, or of the association."""
        return self.offices[code if code == "association" else f"province-{code}"]

    def authority(self, code: str) -> UUID:
        assert code == "association" or code in AUTHORITY_CODES
        return authority_id(code)
