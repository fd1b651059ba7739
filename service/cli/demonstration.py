"""Command ``demo``, and the demonstration that ``run`` shows."""

from __future__ import annotations

import hashlib
import sys

import click

from service.cli.context import database
from service.cli.processes import bring_up_to_date
from service.config import Settings, demo_password

ACCOUNTS = (
    ("ministry", "工信部"),
    ("association", "协会"),
    ("province-37", "山东省级主管部门"),
    ("province-42", "湖北省级主管部门"),
    ("institution-1", "培训机构"),
    ("group-1", "集团"),
    ("enterprise-1", "企业"),
    ("branch-1", "分公司"),
    ("sysadmin", "系统管理员"),
    ("secadmin", "安全管理员"),
    ("auditor", "审计管理员"),
    ("processadmin", "流程管理员"),
)


@click.command()
def demo() -> None:
    """Fill an empty database with demonstration data, made by running the real processes."""
    with database() as chosen:
        is_new = _fill(chosen)
    click.echo("The demonstration is in place." if is_new else "There are data already: nothing was added.")


def fill_once(chosen: Settings) -> None:
    """Fill in the demonstration unless a file in the data folder says so:
    starting the application to ask takes a second.
    """
    note = chosen.data_dir / "demonstration"
    digest = hashlib.sha256(chosen.database_url.encode()).hexdigest()
    if not note.exists() or note.read_text() != digest:
        _fill(chosen)
        note.write_text(digest)


def welcome(port: int) -> str:
    """Return address, password and logins of a running demonstration."""
    lines = [f"    {login:<16}{name}" for login, name in ACCOUNTS]
    return "\n".join(
        [
            "",
            f"Anpei 安培   http://127.0.0.1:{port}",
            "",
            f"Accounts, each with the password {demo_password()}",
            *lines,
            "    province-NN     one for each province (GB/T 2260)",
            "",
            "Ctrl-C ends it.",
        ]
    )


def _fill(chosen: Settings) -> bool:
    """Fill in the demonstration; False where there are data already."""
    from tqdm import tqdm

    from service.app import create_app
    from service.demo import fill
    from service.models.db.time_limits import COMMAND

    app = create_app(chosen, COMMAND)
    bring_up_to_date(app, chosen)
    with (
        app.app_context(),
        tqdm(desc="demonstration data", unit=" steps", file=sys.stderr, mininterval=0.5, delay=1) as bar,
    ):

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return fill(progress)


COMMANDS = (demo,)
