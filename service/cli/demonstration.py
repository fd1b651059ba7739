"""The demonstration: filled in once, and shown with its accounts."""

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
@click.option(
    "--scale",
    type=click.Choice(("small", "full")),
    default="small",
    show_default=True,
    help="small: some 1,000 persons; full: 2,000 units, 50,000 persons, 1,000 classes, 150,000 enrolments.",
)
def demo(scale: str) -> None:
    """Fill an empty database with demonstration data, made by running the real processes."""
    with database() as chosen:
        is_new = _fill(chosen, is_full=scale == "full")
    if not is_new and scale == "full":
        sys.exit(
            "anpei: there are data already, nothing was added. Full scale wants an empty database: set ANPEI_DATA_DIR to a new folder."
        )
    click.echo("The demonstration is in place." if is_new else "There are data already: nothing was added.")


def fill_once(chosen: Settings) -> None:
    """Fill in the demonstration unless a file says that this was seen to: to ask the database takes a second."""
    seen = chosen.data_dir / "demonstration"
    which = hashlib.sha256(chosen.database_url.encode()).hexdigest()
    if not seen.exists() or seen.read_text() != which:
        _fill(chosen)
        seen.write_text(which)


def welcome(port: int) -> str:
    """What a person needs who comes to a running demonstration: the address, and who may sign in."""
    lines = [f"    {login:<16}{who}" for login, who in ACCOUNTS]
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


def _fill(chosen: Settings, *, is_full: bool = False) -> bool:
    """Whether the demonstration was filled in now."""
    from tqdm import tqdm

    from service import demo as story
    from service.app import create_app

    app = create_app(chosen)
    bring_up_to_date(app)
    with (
        app.app_context(),
        tqdm(desc="demonstration data", unit=" steps", file=sys.stderr, mininterval=0.5, delay=1) as bar,
    ):

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return story.fill_full(progress) if is_full else story.fill(progress)


COMMANDS = (demo,)
