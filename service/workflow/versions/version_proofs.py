"""The proof that a version passed: beside what the gate warned of, its model tests and the last back-test of its files.

Kept with the version each time that it is put in force, by whatever way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from service.models.tables.runtime.process import DefinitionVersion
from service.operations.deployments import proofs
from service.workflow.processes import rehearsals
from service.workflow.versions import backtests


def proof_of(version: DefinitionVersion, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The outcome of the model tests, and of the last back-test of these very files, None where there was none."""
    run = backtests.latest_of(version.key, files)
    tested = run and {
        "id": str(run.id),
        "at": run.at.isoformat(),
        "state": str(run.state),
        "done": run.done,
        "total": run.total,
        "counts": {kind: sum(by_element.values()) for kind, by_element in sorted(run.counts.items())},
    }
    tests = rehearsals.run_tests(version.key, files, is_checked=True)
    return {"tests": [asdict(one) for one in tests], "backtest": tested}


proofs.append(proof_of)
