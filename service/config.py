"""Settings from the environment, and the secrets that are made on the first run. Nothing else reads ``os.environ``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import pwd
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

CHECKOUT = Path(__file__).resolve().parent.parent
TEMPLATES = CHECKOUT / "templates"
FONTS = CHECKOUT / "service" / "static" / "vendor" / "fonts"
DIGEST_KEY = "digest"  # the line of the key file that is no encryption key


class InvalidSetting(Exception):
    """An environment variable or a secret file holds something that cannot be used; the text says which and why."""


Network = IPv4Network | IPv6Network


class DatabaseRoles(NamedTuple):
    """The names of the three database roles: owner of the tables, application, readers (``migrations/rights.py``)."""

    owner: str
    app: str
    read: str


EMBEDDED_ROLES = DatabaseRoles("anpei_owner", "anpei_app", "anpei_read")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes mails. security: ``tls`` from the first byte,
    ``starttls`` before anything is said, or ``plain``.
    """

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str


@dataclass(frozen=True, slots=True)
class OutboundHosts:
    """The services that diagrams may call. origins: ``https://host:port``; networks: private ones that may be reached;
    secrets: keys of signatures by name.
    """

    origins: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    secrets: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Signing:
    """The signer of certificates. key: PEM of key and certificates, None for the demonstration's own;
    token: ``module;token;key`` of a PKCS#11 token whose ``pin`` opens it; timestamps: address of the authority.
    """

    key: Path | None = None
    token: str = ""
    pin: str = ""
    timestamps: str = ""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Sealing of the log. keys: file of private keys, None for the one in the data folder; place: a second place
    for the heads of the log, ``https://…`` or ``syslog://host:port``; timestamps: address of an authority (RFC 3161).
    """

    keys: Path | None = None
    place: str = ""
    timestamps: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs from one installation to the next.

    ``keys`` maps a key id to 32 bytes for AES-256-GCM; new values are written with ``current_key``;
    ``digest_key`` (32 bytes) makes the keyed digests by which an identity number is found. The addresses of the
    database are always postgresql+psycopg2://; they differ in the role that connects.
    """

    data_dir: Path
    database_url: str  # of the application
    owner_url: str  # of migrations and maintenance
    read_url: str  # of proofs and backups
    is_embedded: bool  # the database is the server that ``postgres.py`` runs in ``data_dir``
    port: int
    secret_key: str
    keys: Mapping[str, bytes]
    current_key: str
    digest_key: bytes
    mail: MailServer | None = None  # None: no mail is sent
    address: str = ""  # under which people reach the pages: links in mails, QR codes, the host that requests may name
    trusted_proxies: tuple[Network, ...] = ()  # whose X-Forwarded-* headers are believed
    signing: Signing = Signing()
    outbound: OutboundHosts = OutboundHosts()
    sealing: Sealing = Sealing()

    @property
    def roles(self) -> DatabaseRoles:
        """The database roles that the addresses name."""
        return DatabaseRoles(role_of(self.owner_url), role_of(self.database_url), role_of(self.read_url))


@cache
def settings() -> Settings:
    """The settings of this process; read once, secrets made when missing. Raises ``InvalidSetting``."""
    home = make_folder(data_dir())
    owner_url, database_url, read_url = _database_urls(home)
    keys, digest_key = read_keys(Path(os.environ.get("ANPEI_KEYS") or make_secret(home / "keys", _new_keys)))
    return Settings(
        data_dir=home,
        database_url=database_url,
        owner_url=owner_url,
        read_url=read_url,
        is_embedded="ANPEI_DATABASE_URL" not in _given(DATABASE_VARIABLES),
        port=_port(os.environ.get("ANPEI_PORT") or "8000"),
        secret_key=os.environ.get("ANPEI_SECRET_KEY")
        or make_secret(home / "secret-key", _new_secret).read_text().strip(),
        keys=MappingProxyType(keys),
        current_key=list(keys)[-1],
        digest_key=digest_key,
        mail=read_mail_server(os.environ.get("ANPEI_SMTP_URL", ""), os.environ.get("ANPEI_MAIL_FROM", "")),
        address=os.environ.get("ANPEI_ADDRESS", "").rstrip("/"),
        trusted_proxies=read_networks(os.environ.get("ANPEI_TRUSTED_PROXIES", "")),
        signing=_read_signing(os.environ),
        outbound=read_outbound(os.environ),
        sealing=read_sealing(os.environ),
    )


def _read_signing(given: Mapping[str, str]) -> Signing:
    key, token = given.get("ANPEI_SIGNING_KEY", ""), given.get("ANPEI_SIGNING_TOKEN", "")
    timestamps = given.get("ANPEI_TSA_URL", "")
    if key and token:
        raise InvalidSetting("ANPEI_SIGNING_KEY and ANPEI_SIGNING_TOKEN exclude each other: one key signs")
    if key and not Path(key).is_file():
        raise InvalidSetting(f"ANPEI_SIGNING_KEY: there is no file {key}")
    if token and token.count(";") != 2:
        raise InvalidSetting("ANPEI_SIGNING_TOKEN must be module;token label;key label")
    if (key or token) and not timestamps.startswith(("https://", "http://")):
        raise InvalidSetting("ANPEI_TSA_URL must be the address of a time-stamping authority when a key is set")
    return Signing(Path(key) if key else None, token, given.get("ANPEI_SIGNING_PIN", ""), timestamps)


def read_outbound(given: Mapping[str, str]) -> OutboundHosts:
    """Read which services diagrams may call; the file of secrets has lines ``name value``. Raises InvalidSetting."""
    origins = set()
    for text in filter(None, map(str.strip, given.get("ANPEI_HTTP_HOSTS", "").split(","))):
        parts = urlsplit(text if "://" in text else f"https://{text}")
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.path not in ("", "/"):
            raise InvalidSetting(f"ANPEI_HTTP_HOSTS: {text} is no host, host:port or http://host:port")
        origins.add(f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}")
    secrets: dict[str, bytes] = {}
    if file := given.get("ANPEI_HTTP_SECRETS"):
        try:
            lines = [line.split() for line in Path(file).read_text().splitlines() if line.strip()]
            secrets = {name: value.encode() for name, value in lines}
        except (OSError, ValueError) as error:
            raise InvalidSetting(f"ANPEI_HTTP_SECRETS: {error}") from error
    networks = read_networks(given.get("ANPEI_HTTP_NETWORKS", ""), "ANPEI_HTTP_NETWORKS")
    return OutboundHosts(frozenset(origins), networks, MappingProxyType(secrets))


def read_sealing(given: Mapping[str, str]) -> Sealing:
    """Read the settings of sealing. Raises ``InvalidSetting``."""
    keys, place, timestamps = (given.get(f"ANPEI_SEAL_{name}", "") for name in ("KEYS", "PLACE", "TSA_URL"))
    if place and urlsplit(place).scheme not in ("https", "http", "syslog"):
        raise InvalidSetting("ANPEI_SEAL_PLACE must begin with https://, http:// or syslog://")
    if timestamps and urlsplit(timestamps).scheme not in ("https", "http"):
        raise InvalidSetting("ANPEI_SEAL_TSA_URL must begin with https:// or http://")
    return Sealing(Path(keys) if keys else None, place, timestamps)


def read_networks(text: str, name: str = "ANPEI_TRUSTED_PROXIES") -> tuple[Network, ...]:
    """Read addresses and networks, separated by commas. Raises ``InvalidSetting`` for what is neither."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidSetting(f"{name}: {error}") from error


def data_dir() -> Path:
    """Find the folder of database, secrets and files: ``ANPEI_DATA_DIR``, else ``var`` in the checkout.

    As root it lies under ``/var/lib/anpei`` instead: PostgreSQL then runs as ``nobody``,
    who may not enter every checkout.
    """
    if chosen := os.environ.get("ANPEI_DATA_DIR"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/anpei") / hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:12]
    return CHECKOUT / "var"


def make_folder(folder: Path) -> Path:
    """The folder, made if missing so that others may enter it: what is secret in it has its own permissions."""
    before = os.umask(0o022)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    finally:
        os.umask(before)
    return folder


def socket_dir(home: Path) -> Path:
    """The folder of the embedded server's socket: short, for a socket's path ends at 107 bytes."""
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"anpei-{os.geteuid()}-{digest}"


def embedded_url(home: Path, database: str = "anpei", role: str = EMBEDDED_ROLES.app) -> str:
    """The address of a database of the embedded server whose data lie in ``home``; the driver reads the password."""
    query = f"host={socket_dir(home)}&passfile={quote(str(password_file(home, role)))}"
    return f"postgresql+psycopg2://{role}@/{database}?{query}"


def password_file(home: Path, role: str) -> Path:
    """The file of a role's password on the embedded server, in the form of libpq's ``.pgpass``."""
    return home.absolute() / f"database-password-{role}"


def make_password(home: Path, role: str) -> str:
    """The password of a role of the embedded server, made on the first call."""
    file = make_secret(password_file(home, role), lambda: f"*:*:*:{role}:{_new_secret()}")
    return file.read_text().strip().rpartition(":")[2]


DATABASE_VARIABLES = ("ANPEI_DATABASE_URL", "ANPEI_DATABASE_OWNER_URL", "ANPEI_DATABASE_READ_URL")


def _given(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _database_urls(home: Path) -> tuple[str, ...]:
    """The addresses for owner, application and readers; where only the application's is given it stands for all."""
    given = {name: normalise_url(url, name) for name, url in _given(DATABASE_VARIABLES).items()}
    app, owner, read = DATABASE_VARIABLES
    if given and app not in given:
        raise InvalidSetting(f"{' and '.join(given)} without {app}: the application needs an address of its own")
    if not given:
        return tuple(embedded_url(home, role=role) for role in EMBEDDED_ROLES)
    return given.get(owner, given[app]), given[app], given.get(read, given[app])


def admin_url() -> str:
    """The address by which ``anpei database-roles`` makes the roles of another server; nothing else uses it."""
    name = "ANPEI_DATABASE_ADMIN_URL"
    if url := os.environ.get(name):
        return normalise_url(url, name)
    raise InvalidSetting(f"{name} must be the address of the database for a superuser")


def normalise_url(url: str, name: str = "ANPEI_DATABASE_URL") -> str:
    """The same database through psycopg2: SQLAlchemy takes a plain ``postgresql://`` for another driver."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise InvalidSetting(f"{name} must begin with postgresql://")
    return f"postgresql+psycopg2://{rest}"


def role_of(url: str) -> str:
    """The database role that an address names; without one it is the account of the operating system."""
    return unquote(urlsplit(url).username or "") or os.environ.get("PGUSER") or pwd.getpwuid(os.geteuid()).pw_name


def read_keys(file: Path) -> tuple[dict[str, bytes], bytes]:
    """The encryption keys in the order of the file (the last is the current one), and the digest key.

    Each line is ``id:base64 of 32 bytes``; one id is ``digest``; empty lines and ``#`` lines are skipped.
    """
    keys: dict[str, bytes] = {}
    for line in file.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            key_id, _, value = line.strip().partition(":")
            keys[key_id] = _key(file, key_id, value)
    digest_key = keys.pop(DIGEST_KEY, None)
    if not keys or digest_key is None:
        raise InvalidSetting(f"{file}: needs at least one key and the line {DIGEST_KEY}:…")
    return keys, digest_key


SECURITY = {"smtps": ("tls", 465), "smtp": ("starttls", 587), "smtp+plain": ("plain", 25)}


def read_mail_server(url: str, sender: str) -> MailServer | None:
    """The mail server of ``smtps://user:password@host:465``, ``smtp://…`` (STARTTLS is insisted upon) or ``smtp+plain://…``.

    None without an address; user and password may be left out, and are percent-encoded where they hold signs.
    """
    if not url:
        return None
    parts = urlsplit(url)
    try:
        chosen = parts.port
    except ValueError:
        chosen = -1
    if parts.scheme not in SECURITY or not parts.hostname or chosen == -1:
        raise InvalidSetting("ANPEI_SMTP_URL must be smtps://, smtp:// or smtp+plain:// and a host")
    if "@" not in sender or any(c.isspace() for c in sender):
        raise InvalidSetting("ANPEI_SMTP_URL needs ANPEI_MAIL_FROM, the address that mails come from")
    security, port = SECURITY[parts.scheme]
    return MailServer(
        parts.hostname,
        chosen or port,
        security,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        sender,
    )


def demo_password() -> str:
    """The first password of every demonstration account: as stored, else ``ANPEI_DEMO_PASSWORD``, else random.

    It is stored in the data folder when first asked for, since the accounts keep it.
    """
    file = make_folder(data_dir()) / "demo-password"
    return (
        make_secret(file, lambda: os.environ.get("ANPEI_DEMO_PASSWORD") or secrets.token_urlsafe(12))
        .read_text()
        .strip()
    )


def _key(file: Path, key_id: str, value: str) -> bytes:
    try:
        key = base64.b64decode(value, validate=True)
    except binascii.Error:
        key = b""
    if not key_id.isidentifier() or len(key) != 32:
        raise InvalidSetting(f"{file}: the key {key_id!r} is not base64 of 32 bytes")
    return key


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise InvalidSetting(f"ANPEI_PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def _new_keys() -> str:
    made = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("k1", DIGEST_KEY)}
    return "\n".join(f"{name}:{value}" for name, value in made.items())


def make_secret(file: Path, make: Callable[[], str]) -> Path:
    """``file``, written with what ``make`` returns unless it exists;
    whole or not at all, whoever else does the same.
    """
    if not file.exists():
        descriptor, name = tempfile.mkstemp(dir=file.parent)  # mode 0600
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"{make()}\n")
        try:
            os.link(name, file)
        except FileExistsError:
            pass  # another process was first: its secret holds
        finally:
            os.unlink(name)
    return file
