"""One database server a run, one fresh database a test, cloned from a migrated template."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck
from hypothesis import settings as examples

from registry.access.workspace import Workspace
from registry.keys.ring import FileKeyRing
from registry.kit import server_settings
from registry.kit.caller import Caller
from registry.kit.config import Settings
from registry.kit.database import Database, Session, Urls
from registry.kit.journal import FileJournal
from tests import application, installation
from tests.lending import Lender

# The suite's own server gives up crash safety for speed; nothing else may.
server_settings.REQUIREMENTS = server_settings.SILENCE


# A database takes longer than a deadline allows; `make check-deep` looks at more examples.
_PATIENT: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
examples.register_profile("suite", max_examples=100, **_PATIENT)
examples.register_profile("deep", max_examples=5_000, **_PATIENT)
examples.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_configure(config: pytest.Config) -> None:
    """Choose the run's folder once, before xdist starts its workers, which inherit it."""
    if "ZGODA_TEST_RUN" not in os.environ:
        # Not pytest's own folder: as root PostgreSQL runs as `nobody`, who may not enter that.
        folder = Path(tempfile.mkdtemp(prefix="zgoda-test-", dir="/tmp"))
        folder.chmod(0o711)
        os.environ["ZGODA_TEST_RUN"] = str(folder)
        config.add_cleanup(lambda: _forget(folder))
    # Programs that tests start would compile every module each time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in [
        name for name in os.environ if name.startswith("ZGODA_") and not name.startswith("ZGODA_TEST_")
    ]:
        del os.environ[name]


# What takes long begins first, the longest first of all, so that no process is left with one of these when the others
# are done.
_LONG = (
    "tests/demo/",
    "tests/benchmarks/",
    "tests/docs/test_tutorial.py",
    "tests/races/test_races.py",
    "tests/subject_requests/test_residue.py",
    "tests/races/test_mutants.py",
    "tests/http/test_database_dies.py",
    "tests/exchange/test_import_crash.py",
    "tests/races/test_killed.py",
    "tests/races/",
)


def _place(item: pytest.Item) -> int:
    return next((n for n, begins in enumerate(_LONG) if item.nodeid.startswith(begins)), len(_LONG))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin each process's tests with its share of the long ones; the others stay in their order.

    xdist gives every process an equal run of the list, and lets those that are done take from the others' ends.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    shares: list[list[pytest.Item]] = [[] for _ in range(processes)]
    rest: list[pytest.Item] = []
    for item in sorted(items, key=_place):
        if (place := _place(item)) == len(_LONG):
            rest.append(item)
        else:
            # To and fro: whoever has the longest has the shortest as well.
            turn, number = divmod(place, processes)
            shares[processes - 1 - number if turn % 2 else number].append(item)
    left, ordered = len(items), []
    for number, share in enumerate(shares):
        size = left // (processes - number)
        filling = max(0, size - len(share))
        ordered += [*share, *rest[:filling]]
        rest = rest[filling:]
        left -= size
    items[:] = [*ordered, *rest]


def _forget(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.environ.pop("ZGODA_TEST_RUN", None)


@pytest.fixture(scope="session")
def server() -> Iterator[installation.Server]:
    """The run's PostgreSQL: embedded and shared by xdist's workers, or the one of ZGODA_TEST_DATABASE_URL."""
    with installation.server(Path(os.environ["ZGODA_TEST_RUN"])) as running:
        yield running


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """An empty folder that an embedded PostgreSQL can live in, with its own server and full crash safety."""
    yield from _data_folder()


@pytest.fixture(scope="module")
def module_data_folder() -> Iterator[Path]:
    """The same for all tests of one module."""
    yield from _data_folder()


def _data_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=os.environ["ZGODA_TEST_RUN"]))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def lender(server: installation.Server) -> Iterator[Lender]:
    """Databases for this process's tests, one after the other."""
    made = Lender(server, Path(os.environ["ZGODA_TEST_RUN"]))
    yield made
    made.close()


@pytest.fixture
def urls(lender: Lender) -> Iterator[Urls]:
    """A fresh database, migrated, with the policies installed."""
    name, made = lender.lend()
    yield made
    lender.take_back(name)


@pytest.fixture
def empty_urls(server: installation.Server) -> Iterator[Urls]:
    """A fresh database with nothing in it."""
    name, made = server.create(template="template0")
    yield made
    server.drop(name)


@pytest.fixture
def ring(server: installation.Server, tmp_path: Path) -> FileKeyRing:
    """A key ring of this test's own, in tmp_path/data/keys; it fits the template's epochs."""
    shutil.copytree(server.keys, tmp_path / "data" / "keys")
    (tmp_path / "data" / "installation.json").write_text("{}")
    return FileKeyRing(tmp_path / "data" / "keys")


@pytest.fixture
def settings(urls: Urls, ring: FileKeyRing, tmp_path: Path) -> Settings:
    """Settings of an initialised installation, good for `opened(settings)` and for a Terminal in this process."""
    return Settings(
        data=tmp_path / "data", database_url=urls.owner, app_url=urls.app, retention_url=urls.retention
    )


@pytest_asyncio.fixture
async def workspace(settings: Settings, urls: Urls, ring: FileKeyRing) -> AsyncIterator[Workspace]:
    """An open installation: fresh database, ring and policies."""
    database = Database(
        urls, settle=installation.settling(ring), journal=FileJournal(settings.journal_folder)
    )
    await database.open()
    yield Workspace(settings, database, ring, installation.policies())
    await database.close()


@pytest.fixture
def caller() -> Caller:
    return Caller("operator", "operation", "test")


@pytest_asyncio.fixture
async def session(workspace: Workspace, caller: Caller) -> AsyncIterator[Session]:
    """A transaction of the application's role; committed when the test passes."""
    async with workspace.database.begin(caller) as open_session:
        yield open_session


@pytest_asyncio.fixture
async def app(workspace: Workspace) -> AsyncIterator[Any]:
    """The real HTTP application on the workspace. It starts nothing of its own, so it needs no lifespan here."""
    with application.lent(workspace) as lent:
        yield lent


@pytest_asyncio.fixture
async def client(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the real application, without a key."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=application.ADDRESS) as anonymous:
        yield anonymous


@pytest_asyncio.fixture
async def admin(workspace: Workspace, caller: Caller, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client with an admin key, a purpose and a reason."""
    from registry.access import service

    async with workspace.database.begin(replace(caller, reason="test client")) as open_session:
        _, key = await service.create_key(open_session, workspace.ring, "admin", "test")
    client.headers.update(
        {"Authorization": f"Bearer {key}", "Zgoda-Purpose": "operation", "Zgoda-Reason": "test"}
    )
    return client
