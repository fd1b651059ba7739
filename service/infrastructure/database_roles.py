"""The three database roles, and what makes a database theirs: for the embedded server and for others alike.

Knows no table; what each role may do with which table is declared in ``service.migrations.rights``. Every statement is
one line, as PostgreSQL's single-user mode reads them. Passwords leave only as SCRAM verifiers: no log of a server holds
them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from service.config import DatabaseRoles

SCRAM_ITERATIONS = 4096  # RFC 7677
MIGHTY = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")


def role_statements(roles: DatabaseRoles, verifiers: Mapping[str, str]) -> list[str]:
    """The statements that make missing roles and set the passwords of those that ``verifiers`` names."""
    found = []
    for role in roles:
        missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {quote_literal(role)})"
        found.append(f"DO $$ BEGIN IF {missing} THEN CREATE ROLE {quote_name(role)} LOGIN; END IF; END $$")
    found += [f"ALTER ROLE {quote_name(role)} LOGIN PASSWORD {quote_literal(text)}" for role, text in verifiers.items()]
    return [*found, f"ALTER ROLE {quote_name(roles.read)} SET default_transaction_read_only = on"]


def database_statements(database: str, roles: DatabaseRoles) -> list[str]:
    """The statements, run inside a database, that give it with all it holds to its owner and shut out the others."""
    owner, app, read = map(quote_name, roles)
    name = quote_name(database)
    return [
        f"ALTER DATABASE {name} OWNER TO {owner}",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC, {app}, {read}",
        f"GRANT CONNECT ON DATABASE {name} TO {app}, {read}",
        f"GRANT CREATE, USAGE ON SCHEMA public TO {owner}",  # servers begun before version 15 do not imply it
        f"REVOKE ALL ON SCHEMA public FROM PUBLIC, {app}, {read}",
        f"GRANT USAGE ON SCHEMA public TO {app}, {read}",
        _hand_over(quote_literal(roles.owner)),
    ]


def _hand_over(owner: str) -> str:
    """Tables (their indexes and sequences go with them), views and functions of an earlier owner."""
    kinds = "CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END"
    others = f"<> (SELECT oid FROM pg_roles WHERE rolname = {owner})"  # noqa: S608 - quoted
    return (
        "DO $$ DECLARE change text; BEGIN FOR change IN"  # noqa: S608 - quoted
        f" SELECT format('ALTER %s %s OWNER TO %I', {kinds}, oid::regclass, {owner}) FROM pg_class"
        f" WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND relowner {others}"
        f" UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO %I', oid::regprocedure, {owner}) FROM pg_proc"
        f" WHERE pronamespace = 'public'::regnamespace AND proowner {others}"
        " LOOP EXECUTE change; END LOOP; END $$"
    )


def mighty_roles(cursor: Any, roles: DatabaseRoles) -> list[str]:
    """Those of the roles that could do more than own tables: superusers, makers of roles, of databases and the like."""
    mighty = " OR ".join(MIGHTY)
    cursor.execute(f"SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND ({mighty})", (list(roles),))  # noqa: S608 - constants
    return sorted(name for (name,) in cursor.fetchall())


def scram_verifier(password: str, iterations: int = SCRAM_ITERATIONS) -> str:
    """Derive from an ASCII password the text that a server keeps of it (RFC 5802)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def quote_name(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
