"""The suite's database server: roles, a template with schema and policies, and a clone of it for each test."""

import asyncio
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from registry.consents import projection
from registry.dispatch import confirmations
from registry.keys import epochs
from registry.keys.ring import FileKeyRing, KeyRing
from registry.kit import migrations, postgres
from registry.kit.caller import Caller
from registry.kit.config import Settings
from registry.kit.database import Database, Role, Session, Settle, Urls
from registry.policy import loader, service
from registry.policy.model import PolicySet
from tests import lending

FOREIGN = "ZGODA_TEST_DATABASE_URL"


@dataclass(frozen=True)
class Server:
    """A running server, and the run's template database on it."""

    superuser_url: str
    passwords: dict[str, str]
    template: str
    keys: Path

    def urls(self, database: str) -> Urls:
        """How each role reaches `database`."""
        return Urls(*(
            make_conninfo(self.superuser_url, dbname=database, user=role, password=self.passwords[role])
            for role in postgres.ROLES
        ))  # fmt: skip

    def create(self, template: str | None = None) -> tuple[str, Urls]:
        """A new database: a clone of the run's template unless told otherwise."""
        name = f"test_{secrets.token_hex(8)}"
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                    *map(sql.Identifier, (name, postgres.OWNER, template or self.template))
                )
            )
        return name, self.urls(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextmanager
def server(run: Path) -> Iterator[Server]:
    """The server of this run, with its template made by whoever comes first."""
    template = f"template_{hashlib.sha256(str(run).encode()).hexdigest()[:12]}"
    if url := os.environ.get(FOREIGN):
        made = Server(url, dict.fromkeys(postgres.ROLES, "zgoda-test"), template, run / "keys")
        with postgres.exclusive(run / "template.lock"):
            _make_roles(made)
            _make_template(made)
        yield made
        return
    data = run / "server"
    with postgres.embedded_blocking(data, durable=False):
        cluster = postgres.cluster_of(data, durable=False)
        made = Server(cluster.superuser_url, postgres.passwords_of(data), template, run / "keys")
        with postgres.exclusive(run / "template.lock"):
            _make_template(made)
        yield made


def _make_roles(made: Server) -> None:
    with psycopg.connect(made.superuser_url, autocommit=True) as connection:
        for role, password in made.passwords.items():
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            verb = "ALTER" if known else "CREATE"
            connection.execute(
                sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), password)
            )


def _make_template(made: Server) -> None:
    with psycopg.connect(made.superuser_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (made.template,)).fetchone():
            return
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(f"{made.template}_new"))
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(f"{made.template}_new"), sql.Identifier(postgres.OWNER)
            )
        )
    urls = made.urls(f"{made.template}_new")
    migrations.upgrade(urls.owner)
    ring = FileKeyRing(made.keys) if made.keys.exists() else FileKeyRing.create(made.keys)
    installed = asyncio.run(_install(urls, ring))
    numbers = {
        "purposes": installed.purpose_ids,
        "channels": installed.channel_ids,
        "zones": installed.zone_ids,
    }
    made.keys.with_name("numbers.json").write_text(json.dumps(numbers))
    superuser = make_conninfo(made.superuser_url, dbname=f"{made.template}_new")
    lending.remember(superuser, made.keys.parent)
    with psycopg.connect(made.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(f"{made.template}_new"), sql.Identifier(made.template)
            )
        )


async def _install(urls: Urls, ring: FileKeyRing) -> PolicySet:
    database = Database(urls)
    async with database.begin(Caller("operator", reason="test"), Role.OWNER) as session:
        await epochs.ensure(session, ring)
        installed = await service.install(session, ring, loader.load(None), author="operator", reason="test")
    await database.close()
    return installed.policies


@cache
def policies() -> PolicySet:
    """The policies that ship, with the numbers that the run's template gave them."""
    numbers = json.loads((Path(os.environ["ZGODA_TEST_RUN"]) / "numbers.json").read_text())
    return loader.load(None).numbered(numbers["purposes"], numbers["channels"], numbers["zones"])


async def settle(session: Session) -> None:
    """What the application does at the commit edge for what the gate reads."""
    await projection.settle(session, policies())


def settling(ring: KeyRing) -> Settle:
    """All that the application does at the commit edge: confirmations are queued as well."""

    async def at_the_edge(session: Session) -> None:
        # The policies of the moment: a test may have others.
        await confirmations.settle(session, ring, policies(), Settings().base_url)

    return at_the_edge
