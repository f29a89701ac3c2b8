"""A database that dies between ledger and answer: the caller is told, all of it stands or nothing, and a repeat with
the same key counts once.
"""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.app import create_app
from registry.consents import acts
from registry.kit.config import Settings
from registry.kit.database import Session
from registry.opening import opened
from tests import installation
from tests.http.routes import GRANT, bearer, key, person
from tests.persons import CALLER

EMAIL = "anna@example.test"
ONCE = {"Idempotency-Key": "order-4711"}


class Cut:
    """Ends the database's side of a connection at the commit of the next act: before it, or when it is done."""

    def __init__(self, server: installation.Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.when = server, ""
        self.armed: list[Any] = []
        act, commit = acts.act, Session.commit

        async def acting(session: Any, *rest: Any, **more: Any) -> Any:
            done = await act(session, *rest, **more)
            if self.when:
                self.armed.append(session.driver)
            return done

        async def committing(session: Session) -> None:
            connection = session.driver
            if connection not in self.armed:
                await commit(session)
                return
            self.armed.remove(connection)
            when, self.when = self.when, ""
            if when == "after":
                await commit(session)
            self.terminate(connection.info.backend_pid)
            # What a client sees whose COMMIT was on the way, or whose answer to it was.
            await connection.execute("SELECT 1")
            raise AssertionError("the connection lives")

        monkeypatch.setattr(acts, "act", acting)
        monkeypatch.setattr(Session, "commit", committing)

    def terminate(self, pid: int) -> None:
        with psycopg.connect(self.server.superuser_url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@pytest.fixture
def cut(server: installation.Server, monkeypatch: pytest.MonkeyPatch) -> Cut:
    return Cut(server, monkeypatch)


async def ledger(client: httpx.AsyncClient, contact: str) -> list[Any]:
    entries: list[Any] = (await client.get(f"/api/v1/contacts/{contact}/consents")).json()["entries"]
    return entries


async def permitted(client: httpx.AsyncClient, email: str = EMAIL) -> bool:
    asked = {"subject": {"email": email}, "purpose": "newsletter", "channel": "email"}
    return bool((await client.post("/api/v1/decisions", json=asked)).json()["outcome"] == "permit")


@pytest.mark.parametrize("kind", ["grant", "withdraw"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_all_or_nothing_and_a_repeat_counts_once(
    admin: httpx.AsyncClient, cut: Cut, kind: str, when: str
) -> None:
    contact = await person(admin, EMAIL)
    body = {**GRANT, "subject": {"email": EMAIL}}
    if kind == "withdraw":
        assert (await admin.post("/api/v1/consents", json=body)).status_code == 201
        body["kind"] = "withdraw"
    stood, was = await ledger(admin, contact), await permitted(admin)
    cut.when = when
    answer = await admin.post("/api/v1/consents", json=body, headers=ONCE)
    assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert len(await ledger(admin, contact)) == len(stood) + (when == "after")
    # The gate's rows stand with the ledger, or neither does.
    assert await permitted(admin) == (was if when == "before" else kind == "grant")
    again = await admin.post("/api/v1/consents", json=body, headers=ONCE)
    assert again.status_code == 201
    assert again.headers.get("Idempotency-Replayed") == ("true" if when == "after" else None)
    entries = await ledger(admin, contact)
    assert len(entries) == len(stood) + 1
    assert entries[-1]["id"] == again.json()["entries"][0]["id"]
    assert await permitted(admin) == (kind == "grant")


PEOPLE = 120


async def _grants(
    client: httpx.AsyncClient, chance: random.Random | None, answered: list[int] | None = None
) -> list[int]:
    """Everybody's grant at about the same time, each under its own key; the statuses, as they come in `answered`."""

    async def grant(number: int) -> int:
        if chance is not None:
            await asyncio.sleep(chance.uniform(0, 1.0))
        answer = await client.post(
            "/api/v1/consents",
            json={**GRANT, "subject": {"email": f"p{number}@example.test"}},
            headers={"Idempotency-Key": f"grant-{number}"},
        )
        if answered is not None:
            answered.append(answer.status_code)
        return answer.status_code

    return await asyncio.gather(*(grant(number) for number in range(PEOPLE)))


async def _counted(workspace: Workspace, contacts: list[str]) -> list[int]:
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT contact_id, count(*) AS n FROM consent_entry GROUP BY contact_id")
    found = {str(row.contact_id): row.n for row in rows}
    return [found.get(contact, 0) for contact in contacts]


def _client(workspace: Workspace, made: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(workspace), raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8400", headers=bearer(made), timeout=60
    )


@pytest.mark.crash
async def test_when_the_whole_server_dies_what_was_answered_stands(data_folder: Path) -> None:
    """The postmaster is stopped at once, as if the machine had been: no writer gets to say goodbye."""
    process = await asyncio.create_subprocess_exec(
        *_zgoda(data_folder, "init"), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0
    async with opened(Settings(data=data_folder)) as workspace:
        made = await key(workspace, "admin")
        async with _client(workspace, made) as client:
            contacts = [await person(client, f"p{number}@example.test") for number in range(PEOPLE)]
            postmaster = int((data_folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
            answered: list[int] = []
            grants = asyncio.create_task(_grants(client, random.Random(5), answered))
            async with asyncio.timeout(30):
                # Some came through, and most are on their way or still to come.
                while len(answered) < PEOPLE // 6:
                    await asyncio.sleep(0.005)
            os.kill(postmaster, signal.SIGQUIT)
            told = await grants
    assert set(told) == {201, 503}, "some came through and some did not"
    async with opened(Settings(data=data_folder)) as workspace, _client(workspace, made) as client:
        stands = await _counted(workspace, contacts)
        assert all(there == 1 for status, there in zip(told, stands, strict=True) if status == 201)
        assert set(stands) <= {0, 1}
        for number, there in enumerate(stands):
            assert await permitted(client, f"p{number}@example.test") == bool(there)
        assert set(await _grants(client, None)) == {201}
        assert await _counted(workspace, contacts) == [1] * PEOPLE


def _zgoda(data: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "registry", "--data", str(data), *arguments]
