"""Rights of each database role to each table, declared once; granted, and guarded by triggers, after migrations.

A table that is not declared here fails the migration: whoever adds one says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from sqlalchemy import Connection, create_engine, text

from service.config import DatabaseRoles
from service.infrastructure.database_roles import quote_name
from service.models import tables  # noqa: F401 - the metadata is filled by importing them
from service.models.db.session import db


class Kind(Enum):
    """Rights of the application to a table beside reading it; readers read all of them, nobody else anything."""

    ORDINARY = ("INSERT", "UPDATE", "DELETE")
    KEPT = ("INSERT", "UPDATE")  # rows change, and none goes
    APPEND_ONLY = ("INSERT",)  # rows stay as they were written: a trigger holds even the owner to it
    READ_ONLY = ()


TABLES = {
    "academy_link": Kind.ORDINARY,
    "account_session": Kind.ORDINARY,
    "alembic_version": Kind.READ_ONLY,
    "attempt": Kind.ORDINARY,
    "audit_event": Kind.APPEND_ONLY,
    "audit_sample": Kind.KEPT,
    "backtest_run": Kind.KEPT,
    "case_document": Kind.APPEND_ONLY,
    "case_instance": Kind.KEPT,
    "certificate": Kind.KEPT,
    "certificate_number_owner": Kind.KEPT,  # follows a correction of identity (R77)
    "certificate_serial": Kind.KEPT,
    "definition_file": Kind.APPEND_ONLY,
    "definition_version": Kind.KEPT,
    "deployment_fault": Kind.ORDINARY,
    "enrollment": Kind.KEPT,
    "export_log": Kind.KEPT,
    "file_piece": Kind.ORDINARY,  # goes after a day
    "form_draft": Kind.ORDINARY,  # goes when it is sent, or after a week
    "former_password": Kind.ORDINARY,
    "identity_correction": Kind.KEPT,
    "identity_correction_file": Kind.APPEND_ONLY,
    "incident": Kind.KEPT,
    "job": Kind.KEPT,
    "journal": Kind.APPEND_ONLY,
    "mail": Kind.ORDINARY,
    "migration_run": Kind.KEPT,
    "notice": Kind.ORDINARY,
    "notice_attachment": Kind.ORDINARY,
    "notice_receipt": Kind.ORDINARY,
    "organisation": Kind.KEPT,
    "person": Kind.ORDINARY,  # a draft may be deleted (R20)
    "person_import": Kind.KEPT,
    "person_import_photo": Kind.ORDINARY,
    "personal_value": Kind.KEPT,  # erased by setting it to NULL
    "photo": Kind.ORDINARY,
    "print_batch": Kind.KEPT,
    "print_record": Kind.KEPT,
    "process_change": Kind.KEPT,
    "process_draft": Kind.ORDINARY,  # goes when it is sent for approval, or discarded
    "qualification_type": Kind.KEPT,
    "refresher_record": Kind.KEPT,
    "reissue": Kind.KEPT,
    "row_change": Kind.APPEND_ONLY,
    "sampled_case": Kind.KEPT,
    "saved_view": Kind.ORDINARY,
    "score": Kind.ORDINARY,  # goes with the recording that is taken back (R83)
    "seal": Kind.APPEND_ONLY,
    "seal_leaf": Kind.APPEND_ONLY,
    "setting": Kind.KEPT,
    "submission": Kind.KEPT,
    "substitution": Kind.KEPT,
    "task": Kind.KEPT,
    "ticket": Kind.KEPT,
    "ticket_file": Kind.KEPT,
    "ticket_message": Kind.KEPT,
    "ticket_serial": Kind.KEPT,
    "training_class": Kind.KEPT,
    "training_need": Kind.ORDINARY,
    "training_plan": Kind.KEPT,
    "user_account": Kind.KEPT,
}
APPEND_ONLY = frozenset(name for name, kind in TABLES.items() if kind is Kind.APPEND_ONLY)

Grant = tuple[str, str, str]  # table, role, privilege

GRANTED = text(
    """
    SELECT c.relname, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type
    FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S') AND a.grantee <> c.relowner
    """
)
PRESENT = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
SEQUENCES = text("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
# 58: before each statement that updates (16), deletes (8) or truncates (32)
GUARDED = text(
    """
    SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgname = 'refuse_change' AND t.tgtype = 58 AND t.tgenabled = 'O' AND p.prosrc = :body
    """
)
MAINTENANCE = "anpei.maintenance"
BODY = f"""
BEGIN
    IF current_setting('{MAINTENANCE}', true) = 'on'
        AND pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN NULL;
    END IF;
    RAISE restrict_violation USING MESSAGE = format('%s of %I is refused: its rows stay as they were written',
        TG_OP, TG_TABLE_NAME);
END
"""  # noqa: S608 - put together from constants


def expected(roles: DatabaseRoles) -> set[Grant]:
    """Every right that the declaration gives to a role that is not the owner of the tables."""
    given = {(table, roles.read, "SELECT") for table in TABLES}
    given |= {(table, roles.app, right) for table, kind in TABLES.items() for right in ("SELECT", *kind.value)}
    return {grant for grant in given if grant[1] != roles.owner}


def _wanted(connection: Connection, roles: DatabaseRoles, present: set[str]) -> set[Grant]:
    """The declared rights to the tables that are there; sequences, of which no use case draws, are read by backups."""
    wanted = {grant for grant in expected(roles) if grant[0] in present}
    if roles.read == roles.owner:
        return wanted
    return wanted | {(name, roles.read, "SELECT") for name in connection.scalars(SEQUENCES)}


def is_in_force(connection: Connection, roles: DatabaseRoles) -> bool:
    """Tell whether rights and triggers of the database are the declared ones; asks, changes nothing."""
    _refuse_undeclared()
    present = set(connection.scalars(PRESENT))
    granted = {(table, role, right) for table, role, right in connection.execute(GRANTED)}
    guarded = set(connection.scalars(GUARDED, {"body": BODY}))
    return granted == _wanted(connection, roles, present) and guarded == APPEND_ONLY & present


def enforce(connection: Connection, roles: DatabaseRoles) -> None:
    """Grant what is declared and nothing else, and guard what only grows; as the owner, in the transaction given."""
    _refuse_undeclared()
    present = set(connection.scalars(PRESENT))
    for table, role in {(table, role) for table, role, _ in connection.execute(GRANTED)}:
        whom = role if role == "PUBLIC" else quote_name(role)
        connection.exec_driver_sql(f"REVOKE ALL ON {quote_name(table)} FROM {whom}")
    for table, role, right in sorted(_wanted(connection, roles, present)):
        connection.exec_driver_sql(f"GRANT {right} ON {quote_name(table)} TO {quote_name(role)}")
    connection.execute(
        text(f"CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body${BODY}$body$")
    )
    for table in sorted(APPEND_ONLY & present):
        connection.exec_driver_sql(
            "CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {quote_name(table)} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


@contextmanager
def maintenance(owner_url: str) -> Iterator[Connection]:
    """One transaction of the owner in which rows of append-only tables may be changed: the only way there is."""
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL {MAINTENANCE} = 'on'")
            yield connection
    finally:
        engine.dispose()


def _refuse_undeclared() -> None:
    """Raise RuntimeError for a table of the models of which nobody said what it is."""
    if undeclared := set(db.metadata.tables) - set(TABLES):
        raise RuntimeError(f"declare in service/migrations/rights.py: {', '.join(sorted(undeclared))}")
