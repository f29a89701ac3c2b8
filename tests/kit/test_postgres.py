"""The embedded server: shared, found again after every kind of death, reachable by nobody else."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psycopg
import pytest

from registry.kit import postgres, postgres_settings
from registry.kit.errors import Refused, Unavailable
from registry.kit.postgres import cluster_of, embedded, embedded_blocking
from registry.kit.postgres_cluster import Cluster

pytestmark = pytest.mark.embedded

_USE = """
import sys, time
from pathlib import Path
from registry.kit.postgres import embedded_blocking
import psycopg
with embedded_blocking(Path(sys.argv[1])) as urls:
    with psycopg.connect(urls.app) as connection:
        print(connection.execute("SELECT 1").fetchone()[0], flush=True)
        time.sleep(float(sys.argv[2]))
"""


started = partial(
    embedded_blocking, durable=False
)  # what a crash of the machine loses is not in question here


def start_user(data: Path, seconds: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _USE, str(data), str(seconds)], stdout=subprocess.PIPE, text=True
    )


def test_the_roles_reach_the_database_and_the_last_to_leave_stops_the_server(made_folder: Path) -> None:
    with started(made_folder) as urls:
        for url, role in (
            (urls.owner, "zgoda_owner"),
            (urls.app, "zgoda_app"),
            (urls.retention, "zgoda_retention"),
        ):
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT current_user").fetchone() == (role,)
        with started(made_folder):
            pass
        psycopg.connect(urls.app).close()
    assert cluster_of(made_folder).pid() is None
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls.app)


def test_a_path_with_spaces_and_120_characters_works(data_folder: Path) -> None:
    deep = data_folder / "with a space" / ("x" * 120)
    deep.parent.mkdir(parents=True)
    for folder in (data_folder, deep.parent):
        folder.chmod(0o711)
    with started(deep) as urls:
        psycopg.connect(urls.owner).close()


def test_nothing_that_was_written_is_lost_between_two_starts(made_folder: Path) -> None:
    with started(made_folder) as urls, psycopg.connect(urls.owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with started(made_folder) as urls, psycopg.connect(urls.owner) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


@pytest.mark.crash
def test_many_processes_start_and_leave_at_once(data_folder: Path) -> None:
    users = [start_user(data_folder, 0.05 * number) for number in range(8)]
    assert [user.communicate(timeout=120)[0] for user in users] == ["1\n"] * 8
    assert [user.returncode for user in users] == [0] * 8
    assert cluster_of(data_folder).pid() is None


@pytest.mark.crash
def test_a_killed_postmaster_is_followed_by_a_new_one_with_everything_committed(made_folder: Path) -> None:
    with embedded_blocking(made_folder) as urls:
        with psycopg.connect(urls.owner) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        pid = cluster_of(made_folder).pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with embedded_blocking(made_folder) as again, psycopg.connect(again.owner) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
            assert cluster_of(made_folder).pid() != pid


@pytest.mark.crash
def test_a_killed_user_leaves_the_server_to_the_next_one_who_stops_it(made_folder: Path) -> None:
    user = start_user(made_folder, 60)
    assert user.stdout is not None and user.stdout.readline() == "1\n"
    user.kill()
    user.communicate()
    assert cluster_of(made_folder).pid() is not None
    with started(made_folder):
        pass
    assert cluster_of(made_folder).pid() is None


def test_a_stale_pid_file_that_names_another_process_is_no_obstacle(made_folder: Path) -> None:
    with started(made_folder):
        pid_file = made_folder / "postgres" / "postmaster.pid"
        text = pid_file.read_text()
    pid_file.write_text(text.replace(text.split("\n", 1)[0], str(os.getpid()), 1))
    with started(made_folder) as urls:
        psycopg.connect(urls.app).close()


def test_an_initialisation_that_was_cut_off_is_begun_anew(data_folder: Path) -> None:
    postgres.prepare_folder(data_folder)
    (data_folder / "postgres.new").mkdir()
    (data_folder / "postgres.new" / "PG_VERSION").write_text("18")
    with started(data_folder) as urls:
        psycopg.connect(urls.app).close()


@pytest.mark.crash
async def test_a_server_that_was_killed_is_started_again_for_those_who_stay(made_folder: Path) -> None:
    async with embedded(made_folder) as urls:
        stop = asyncio.Event()
        watch = asyncio.create_task(postgres.keep_running(made_folder, stop, every=0.05))
        pid = cluster_of(made_folder).pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        for _ in range(200):
            await asyncio.sleep(0.05)
            if cluster_of(made_folder).pid() not in (None, pid) and cluster_of(made_folder).answers():
                break
        async with await psycopg.AsyncConnection.connect(urls.app):
            pass
        stop.set()
        await watch


def test_it_listens_on_one_private_socket_and_keeps_secrets_to_itself(made_folder: Path) -> None:
    with started(made_folder) as urls:
        cluster = cluster_of(made_folder)
        assert stat.S_IMODE(cluster.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((made_folder / "postgres.json").stat().st_mode) == 0o600
        with psycopg.connect(urls.app) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(urls.app.replace("zgoda_app:", "zgoda_app:x"))


def test_values_of_failed_statements_do_not_reach_the_server_log(made_folder: Path) -> None:
    with started(made_folder) as urls:
        with psycopg.connect(urls.owner, autocommit=True) as connection:
            connection.execute("CREATE TABLE person (mail text PRIMARY KEY, n integer)")
            connection.execute("INSERT INTO person VALUES (%s, 1)", ("anna@example.org",))
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO person VALUES (%s, 1)", ("anna@example.org",))
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute(
                    "INSERT INTO person VALUES ('x', CAST(%s AS integer))", ("anna@example.org",)
                )
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute("DO $$ BEGIN RAISE EXCEPTION 'anna@example.org'; END $$")
        assert "anna" not in cluster_of(made_folder).log.read_text()


def test_a_second_server_process_on_a_folder_is_refused(data_folder: Path) -> None:
    with (
        postgres.serving(data_folder),
        pytest.raises(Refused, match=r"serve\.running"),
        postgres.serving(data_folder),
    ):
        pass
    with postgres.serving(data_folder):
        pass


def test_lost_passwords_are_told_in_one_line(made_folder: Path) -> None:
    with started(made_folder):
        pass
    (made_folder / "postgres.json").unlink()
    with pytest.raises(Refused, match=r"database\.password_missing"), started(made_folder):
        pass


def test_a_cluster_of_another_version_is_told_in_one_line(made_folder: Path) -> None:
    with started(made_folder):
        pass
    (made_folder / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(Refused, match=r"database\.version_differs"), started(made_folder):
        pass


def test_a_server_that_cannot_start_says_why(made_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(made_folder):
        pass
    monkeypatch.setattr(postgres, "_REFUSALS_SECONDS", 0.1)
    (made_folder / "postgres" / "global" / "pg_control").rename(made_folder / "lost")
    began = time.monotonic()
    with pytest.raises(Unavailable) as refusal, started(made_folder):
        pass
    assert time.monotonic() - began < 20
    assert "pg_control" in refusal.value.detail or "control file" in refusal.value.detail


@pytest.mark.crash
def test_parents_that_only_we_may_enter_are_no_obstacle_and_stay_as_they_are(data_folder: Path) -> None:
    """As root too, where the server's own user may not enter them: a clone in /root or below `mktemp -d`."""
    closed = data_folder / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    data = closed / "a clone" / "data"
    with started(data) as urls, psycopg.connect(urls.owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    assert cluster_of(data).pid() is None
    with embedded_blocking(data) as urls:
        with psycopg.connect(urls.owner) as connection:
            connection.execute("INSERT INTO kept VALUES (8)")
        pid = cluster_of(data).pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with embedded_blocking(data) as again, psycopg.connect(again.owner) as connection:
            assert connection.execute("SELECT sum(n) FROM kept").fetchone() == (15,)
            assert cluster_of(data).pid() not in (None, pid)
            psycopg.connect(cluster_of(data).superuser_url).close()
    assert cluster_of(data).pid() is None
    assert not cluster_of(data).sockets.exists()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_socket_folder_of_somebody_else_is_not_used(data_folder: Path) -> None:
    postgres.prepare_folder(data_folder)
    cluster = Cluster(data_folder / "postgres", "x")
    cluster.sockets.mkdir(mode=0o777)
    cluster.sockets.chmod(0o777)
    try:
        with pytest.raises(Refused, match=r"database\.socket_folder_taken"), started(data_folder):
            pass
    finally:
        cluster.sockets.rmdir()


@pytest.mark.parametrize(
    ("machine", "data", "shared"),
    [(128, 0, 64), (1024, 0, 256), (24_576, 0, 512), (24_576, 2400, 2400), (24_576, 90_000, 6144)],
)
def test_a_base_that_grew_is_held_in_memory_up_to_a_quarter_of_the_machine(
    machine: int, data: int, shared: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_settings, "memory", lambda: machine << 20)
    (tmp_path / "base" / "5").mkdir(parents=True)
    with (tmp_path / "base" / "5" / "16384").open("wb") as table:
        table.truncate(data << 20)
    stored = postgres_settings.stored(tmp_path)
    assert stored == data << 20
    lines = postgres_settings.configuration(tmp_path, durable=True, data=stored).splitlines()
    assert f"shared_buffers = '{shared}MB'" in lines
