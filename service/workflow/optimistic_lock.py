"""The version a client saw, compared with the row's present one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.errors import N_, Conflict


def check_version(version: int, raw: Mapping[str, Any]) -> None:
    """Raise Conflict when the form was opened before somebody else saved."""
    typed = str(raw.get("version") or "")
    if typed and typed != str(version):
        raise Conflict(N_("您打开这一页之后，别人已经修改并保存。请刷新页面，核对后再改。"))
