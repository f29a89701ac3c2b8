"""Complaints, parents, lists and erasure at the terminal of the server: one JSON object out, one line for an error."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.access.workspace import Workspace
from registry.cli import zgoda
from registry.contacts import registering, service
from registry.contacts.identifiers import Kind, normalise
from registry.kit import clock
from registry.kit.config import Settings
from registry.kit.terminal import guard
from registry.opening import opened
from registry.policy.model import Subscriber
from tests.persons import CALLER

KID = "kid@example.test"
REF = f"email:{KID}"
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `zgoda ARGS --json` in this process; exit code, and the object on stdout or stderr."""
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))

    def call(*args: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = guard(zgoda, [*args, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out if code == 0 else said.err.strip().splitlines()[-1])

    return call


@pytest.fixture
def kid(settings: Settings) -> str:
    """A child of ten in Latvia; their id."""

    async def make(workspace: Workspace) -> str:
        new = service.NewContact(
            [service.NewIdentifier(normalise(Kind.EMAIL, KID))],
            "form",
            {"birth_date": f"{clock.now().year - 10}-01-01"},
            country="LV",
            subscriber=Subscriber.NATURAL,
        )
        async with workspace.database.begin(CALLER) as session:
            return str((await registering.register(session, workspace.ring, workspace.policies, new))[0])

    async def go() -> str:
        async with opened(settings) as workspace:
            return await make(workspace)

    return asyncio.run(go())


GRANT = ("consent", "grant", REF, "newsletter", "email", "--act", "ticked", "--notice", "1", "--locale", "en")


def reason(run: Run, purpose: str = "newsletter") -> str:
    code, told = run("check", REF, purpose, "email")
    assert code == 0, told
    return str(told["reason"])


@pytest.mark.law("LP-29")
def test_a_parents_authority_is_recorded_and_named(run: Run, kid: str) -> None:
    assert run(*GRANT)[0] == 0
    assert reason(run) == "consent.parental_missing"
    ground = ("ground", "record", REF, "--kind", "parental_authority", "--controller", "nordwind")
    ground = (*ground, "--occurred-at", "2026-01-01T10:00:00Z")
    code, told = run(*ground)
    assert (code, told["error"]["code"]) == (2, "ground.evidence_missing")
    code, told = run(*ground, "--evidence", "holder=Anna, mother", "--evidence", "method=signed form")
    assert code == 0
    assert run(*GRANT, "--authority", told["id"])[0] == 0
    assert reason(run) == "permit"


def test_a_complaint_objects_to_all_marketing_of_the_controller(run: Run, kid: str) -> None:
    code, _ = run("consent", "object", REF, "newsletter", "email", "--complaint")
    assert code == 0
    for purpose in ("newsletter", "product-updates"):
        assert reason(run, purpose) in ("purpose.objected", "address.suppressed")
    # Another controller's marketing is another's.
    assert reason(run, "club-letter") == "consent.missing"


def test_a_list_is_imported_and_shown(run: Run, kid: str, tmp_path: Path) -> None:
    file = tmp_path / "asked-us.txt"
    file.write_text(f"{KID}\nnobody\n+371 20 000 000\n")
    code, told = run("list", "import", "own-nordwind", str(file), "--dry-run")
    assert (code, told["listed"], told["rejected"]) == (0, 2, {"identifier.invalid": 1})
    code, told = run("list", "import", "own-nordwind", str(file))
    assert (code, told["listed"], told["persons"]) == (0, 2, 1)
    assert reason(run) == "address.suppressed"
    code, told = run("list", "show")
    states = {one["id"]: one for one in told["lists"]}
    assert states["own-nordwind"]["entries"] == 2
    assert states["be-bel-me-niet-meer"]["usable"] is False
    code, told = run("list", "import", "nobodys", str(file))
    assert (code, told["error"]["code"]) == (1, "list.unknown")


def test_erasure_may_name_its_ground(run: Run, kid: str) -> None:
    code, told = run("contact", "erase", REF, "--ground", "f")
    assert (code, told["contact"]) == (0, kid)


@pytest.mark.law("LP-22")
def test_after_a_no_a_yes_tells_its_time(run: Run, kid: str) -> None:
    assert run("consent", "withdraw", REF)[0] == 0
    code, told = run(*GRANT)
    assert (code, told["error"]["code"]) == (1, "consent.undated")
    assert run(*GRANT, "--acted-at", clock.now().isoformat())[0] == 0
    assert run(*GRANT)[0] == 0
