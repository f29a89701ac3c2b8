"""What any PostgreSQL must be set to before personal data goes in: asked at start, refused in one line."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

from registry.kit import clock
from registry.kit.database import Urls
from registry.kit.errors import Refused, Unavailable
from registry.kit.postgres import APP, RETENTION

OLDEST = 15
# Terms end by the clock of the process and acts are dated by the database's: two clocks would make two truths.
CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A server setting, the values that will do, and what goes wrong otherwise."""

    name: str
    allowed: tuple[str, ...]
    why: str

    def mend(self) -> str:
        return f"ALTER SYSTEM SET {self.name} = '{self.allowed[0]}'; SELECT pg_reload_conf();"


_LOST = "a withdrawal that was acknowledged could be lost in a crash"
_QUOTED = "the server log would quote personal data"

DURABILITY = (
    Requirement("fsync", ("on",), _LOST),
    Requirement("full_page_writes", ("on",), _LOST),
    Requirement("synchronous_commit", ("on", "local", "remote_write", "remote_apply"), _LOST),
)
SILENCE = (
    Requirement("log_error_verbosity", ("terse",), _QUOTED),
    Requirement("log_parameter_max_length_on_error", ("0",), _QUOTED),
    Requirement("log_statement", ("none", "ddl"), _QUOTED),
    Requirement("log_min_duration_statement", ("-1",), _QUOTED),
    Requirement("log_min_duration_sample", ("-1",), _QUOTED),
    Requirement("log_transaction_sample_rate", ("0",), _QUOTED),
)
REQUIREMENTS: tuple[Requirement, ...] = (*DURABILITY, *SILENCE)

_ROLE_SQL = """\
CREATE ROLE {role} LOGIN PASSWORD '...';
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};"""


def check(urls: Urls) -> None:
    """Raise Refused, naming setting and mend, unless the server and its three roles will do.

    Blocking, one connection a role. Unavailable (`database.unavailable`) when nobody answers.
    """
    with _connect(urls.owner, "ZGODA_DATABASE_URL") as connection:
        _check_server(connection)
        _check_roles(connection)
    for role, url, setting in (
        (APP, urls.app, "ZGODA_APP_URL"),
        (RETENTION, urls.retention, "ZGODA_RETENTION_URL"),
    ):
        with _connect(url, setting) as connection:
            name = _value(connection, "SELECT current_user")
            if name != role:
                raise Refused(
                    "database.role_wrong",
                    f"{setting} signs in as another role than {role}.",
                    mend=f"use the role {role}",
                )


def _check_server(connection: psycopg.Connection) -> None:
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise Refused(
            "database.too_old",
            f"PostgreSQL {version} is too old.",
            mend=f"use PostgreSQL {OLDEST} or later, or unset ZGODA_DATABASE_URL for the embedded one",
        )
    if (encoding := _value(connection, "SHOW server_encoding")) != "UTF8":
        raise Refused(
            "database.encoding_wrong",
            f"The database's encoding is {encoding}.",
            mend="CREATE DATABASE zgoda TEMPLATE template0 ENCODING 'UTF8'",
        )
    if clocks_differ(_value(connection, "SELECT clock_timestamp()")):
        raise Refused(
            "clock.differs",
            f"The clocks of this machine and of the database differ by more than {CLOCK_TOLERANCE.seconds} s.",
            mend="let both follow the same time service",
        )
    for requirement in REQUIREMENTS:
        found = _value(connection, sql.SQL("SHOW {}").format(sql.Identifier(requirement.name)))
        if found not in requirement.allowed:
            raise Refused(
                "database.unsafe_setting",
                f"The server has {requirement.name} = {found}: {requirement.why}.",
                mend=requirement.mend(),
            )


def clocks_differ(database_now: object) -> bool:
    """Whether the database's clock, read a moment ago, is not ours."""
    return not isinstance(database_now, datetime) or abs(clock.now() - database_now) > CLOCK_TOLERANCE


def _check_roles(connection: psycopg.Connection) -> None:
    database = connection.info.dbname
    for role in (APP, RETENTION):
        if not _value(connection, "SELECT count(*) FROM pg_roles WHERE rolname = %s", (role,)):
            raise Refused(
                "database.role_missing",
                f"The server has no role {role}.",
                mend=_ROLE_SQL.format(role=role, database=database).replace("\n", " "),
            )


def _connect(url: str, setting: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=10, autocommit=True)
    except psycopg.ProgrammingError:
        raise Refused("setting.invalid", f"{setting} is not a PostgreSQL address.", field=setting) from None
    except psycopg.OperationalError as error:
        raise _unavailable(error, setting) from None


def _unavailable(error: psycopg.OperationalError, setting: str) -> Refused:
    text = str(error)
    if "password authentication failed" in text or "no password supplied" in text:
        return Refused("database.password_wrong", f"The server refuses the name or password of {setting}.")
    if "does not exist" in text:
        return Refused("database.missing", f"The server has no such database or role as {setting} names.")
    return Unavailable("database.unavailable", f"No PostgreSQL answers at {setting}.")


def _value(
    connection: psycopg.Connection, statement: sql.Composable | str, params: tuple[object, ...] = ()
) -> object:
    row = connection.execute(statement, params).fetchone()  # type: ignore[arg-type]  # only our own constants
    return row[0] if row else None
