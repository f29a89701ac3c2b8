"""The embedded PostgreSQL: shared by every command on a data folder, stopped by the last one to leave."""

import asyncio
import errno
import fcntl
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from registry.kit.database import Urls
from registry.kit.errors import Refused, Unavailable
from registry.kit.logging import log
from registry.kit.postgres_cluster import SUPERUSER, Cluster

DATABASE = "zgoda"
OWNER, APP, RETENTION = "zgoda_owner", "zgoda_app", "zgoda_retention"
ROLES = (OWNER, APP, RETENTION)

_POSTGRES = log("postgres")
_START_SECONDS = 300  # a crash recovery may be long; while the postmaster lives we wait
_REFUSALS_SECONDS = 10  # children of a killed postmaster need a moment to go before a new one may start
_LOCK_SECONDS = 360


@asynccontextmanager
async def embedded(data: Path, *, durable: bool = True) -> AsyncIterator[Urls]:
    """The server of the data folder, started if need be, for the time of the block."""
    held = embedded_blocking(data, durable=durable)
    urls = await asyncio.to_thread(held.__enter__)
    try:
        yield urls
    finally:
        await asyncio.to_thread(held.__exit__, None, None, None)


@contextmanager
def embedded_blocking(data: Path, *, durable: bool = True) -> Iterator[Urls]:
    """As `embedded`, for code without an event loop."""
    prepare_folder(data)
    cluster = cluster_of(data, durable=durable)
    passwords = passwords_of(data)
    starting, users = data / "postgres.start.lock", data / "postgres.users.lock"
    with exclusive(starting):
        use = _open(users)
        try:
            fcntl.flock(use, fcntl.LOCK_SH)  # never waits: the exclusive lock is only taken under `starting`
            if not cluster.exists:
                cluster.initialise()
            _start(cluster)
            _ensure_database(cluster, passwords)
        except BaseException:
            _leave(cluster, use)
            raise
    try:
        yield Urls(*(cluster.url(role, passwords[role], DATABASE) for role in ROLES))
    finally:
        with exclusive(starting):
            _leave(cluster, use)


async def keep_running(data: Path, stop: asyncio.Event, *, every: float = 2.0) -> None:
    """Start the server again whenever it was killed, until `stop` is set; for those inside `embedded(data)`."""
    cluster = cluster_of(data)
    while not stop.is_set():
        if cluster.pid() is None:
            try:
                await asyncio.to_thread(_revive, data, cluster)
            except (Refused, TimeoutError) as error:
                _POSTGRES.error("server.gone", exc_info=error)
            else:
                _POSTGRES.warning("server.started_again")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every)


def _revive(data: Path, cluster: Cluster) -> None:
    with exclusive(data / "postgres.start.lock"):
        _start(cluster)


def cluster_of(data: Path, *, durable: bool = True) -> Cluster:
    """The cluster of a data folder, with the superuser's password."""
    return Cluster(data / "postgres", passwords_of(data)[SUPERUSER], durable=durable)


def prepare_folder(data: Path) -> None:
    """Make the data folder: for its owner alone, save that root's may be walked through (not listed)."""
    try:
        data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        for name in ("keys", "journal", "exports"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Refused(
            "folder.unwritable", f"The data folder {data} cannot be made: {error.strerror}.", field="--data"
        ) from None


@contextmanager
def exclusive(path: Path, *, wait: float = _LOCK_SECONDS) -> Iterator[None]:
    """Hold a lock file alone; TimeoutError when somebody else keeps it for longer than `wait` seconds."""
    handle = _open(path)
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
                if time.monotonic() >= deadline:
                    raise TimeoutError(path.name) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


@contextmanager
def serving(data: Path) -> Iterator[None]:
    """The right to serve a data folder: one process at a time; raises Refused `serve.running`."""
    prepare_folder(data)
    held = exclusive(data / "serve.lock", wait=0)
    try:
        held.__enter__()
    except TimeoutError:
        raise Refused(
            "serve.running",
            f"Another `zgoda serve` runs on {data}.",
            mend="stop it, or choose another --data",
        ) from None
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def _open(path: Path) -> int:
    # Not inherited by child processes, so a lock ends with the process that took it, kill -9 included.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _leave(cluster: Cluster, use: int) -> None:
    try:
        fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # somebody else still uses the server
    else:
        if cluster.pid() is not None:
            cluster.stop()
        cluster.leave_no_sockets()
    finally:
        os.close(use)


def _start(cluster: Cluster) -> None:
    began = time.monotonic()
    while not cluster.answers():
        waited = time.monotonic() - began
        if cluster.pid() is None:
            cluster.discard_stale_pid()
            words = cluster.launch()
            if words is None:
                continue  # it is ready to be asked
            if waited > _REFUSALS_SECONDS:
                raise Unavailable("database.not_started", f"The embedded PostgreSQL does not start: {words}")
        elif not (cluster.sockets / ".s.PGSQL.5432").exists() and waited > _REFUSALS_SECONDS:
            cluster.stop()  # somebody swept /tmp: nobody can reach it any more
        elif waited > _START_SECONDS:
            raise Unavailable(
                "database.not_answering",
                f"The embedded PostgreSQL runs and does not answer: {cluster.last_words()}",
                mend=f"see {cluster.log}",
            )
        time.sleep(0.05)


def _ensure_database(cluster: Cluster, passwords: dict[str, str]) -> None:
    """The three roles and the database; done again by whoever comes after one that was cut off."""
    with psycopg.connect(cluster.superuser_url, autocommit=True) as connection:
        found = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),))
        for role in set(ROLES) - {row[0] for row in found}:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), passwords[role])
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(DATABASE), sql.Identifier(OWNER)
                )
            )


def passwords_of(data: Path) -> dict[str, str]:
    """Role passwords, made once and kept in a file of mode 0600 beside the cluster."""
    path = data / "postgres.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    if (data / "postgres").exists():
        raise Refused(
            "database.password_missing",
            f"{path} is gone, and with it the passwords of the embedded PostgreSQL.",
            mend="restore it from the same backup as the data folder",
        )
    made = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, *ROLES)}
    draft = path.with_suffix(f".{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # the first of two starters wins, whole
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return dict(json.loads(path.read_text()))
