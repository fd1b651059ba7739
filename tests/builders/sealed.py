"""A data folder of the test's own for the keys and heads of the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.config import Sealing, Settings, settings
from service.infrastructure.seals import seal_keys, seal_places


def seal_in(folder: Path, patch: pytest.MonkeyPatch, **given: Any) -> None:
    """Keep keys and heads in ``folder``; given: the settings of sealing."""
    values = {name: getattr(settings(), name) for name in Settings.__dataclass_fields__}
    made = Settings(**values | {"data_dir": folder, "sealing": Sealing(**given)})
    for module in (seal_keys, seal_places):
        patch.setattr(module, "settings", lambda: made)
