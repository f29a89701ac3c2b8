"""A client that others wrote (PyPI's `decern`) and ours, against a server that listens."""

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
import uvicorn
from decern import Client, DecernError

from registry.app import create_app
from registry.consents.ledger import EntryKind
from tests.authzen.pep import Pep
from tests.http.routes import key
from tests.persons import act, make

EMAIL = "ilze.berzina@example.test"
NEWSLETTER = {"type": "purpose", "id": "newsletter"}


@asynccontextmanager
async def listening(workspace):
    """The application behind the real server; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = workspace.settings.model_copy(update={"base_url": base})
    app = create_app(replace(workspace, settings=settings))
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", lifespan="on", log_config=None))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield base
    server.should_exit = True
    await running


@pytest.fixture
async def address(workspace):
    async with listening(workspace) as base:
        yield base


async def test_decern_is_answered(workspace, address):
    ilze = await make(workspace, EMAIL)
    await act(workspace, f"email:{EMAIL}", EntryKind.GRANTED)
    client = Client(address, token=await key(workspace, "engine"))

    def asked(subject, action="email", **more):
        return client.evaluate(subject=subject, action=action, resource=NEWSLETTER, **more)

    yes = await asyncio.to_thread(asked, {"type": "contact", "id": str(ilze)})
    assert yes.allowed is True
    assert (yes.context["reason"], yes.context["basis"]) == ("permit", "consent")
    same = await asyncio.to_thread(asked, {"type": "email", "id": EMAIL}, {"name": "email"}, context={"a": 1})
    assert same == yes
    no = await asyncio.to_thread(asked, {"type": "contact", "id": str(ilze)}, "sms")
    assert (no.allowed, no.context["reason"]) == (False, "consent.missing")
    await act(workspace, ilze, EntryKind.WITHDRAWN)
    withdrawn = await asyncio.to_thread(asked, {"type": "email", "id": EMAIL})
    assert withdrawn.allowed is False


async def test_decern_tells_an_error_from_a_no(workspace, address):
    for client, status in (
        (Client(address), 401),
        (Client(address, token="nonsense"), 401),
        (Client(address, token=await key(workspace, "write")), 403),
        (Client(address, token=await key(workspace, "engine", purposes=["club-letter"])), 403),
    ):
        with pytest.raises(DecernError) as raised:
            await asyncio.to_thread(client.evaluate, {"type": "contact", "id": "x"}, "email", NEWSLETTER)
        assert raised.value.status_code == status
    engine = Client(address, token=await key(workspace, "engine"))
    with pytest.raises(DecernError) as raised:
        await asyncio.to_thread(engine.evaluate, {"type": "contact"}, "email", NEWSLETTER)
    assert raised.value.status_code == 400


async def test_a_client_written_from_the_specification_finds_its_way(workspace, address):
    people = [await make(workspace, f"p{number}@example.test") for number in range(4)]
    for number in (0, 3):
        await act(workspace, f"email:p{number}@example.test", EntryKind.GRANTED)
    headers = {"Authorization": f"Bearer {await key(workspace, 'engine')}"}
    async with httpx.AsyncClient(base_url=address, headers=headers) as client:
        pep = Pep(client)
        entities = [{"type": "contact", "id": str(one)} for one in people]
        one = await pep.evaluate(entities[0], {"name": "email"}, NEWSLETTER)
        several = await pep.evaluations(
            action={"name": "email"}, resource=NEWSLETTER, evaluations=[{"subject": one} for one in entities]
        )
        assert several[0] == one
        assert [told["decision"] for told in several] == [True, False, False, True]
        whom = {"subject": {"type": "contact"}, "action": {"name": "email"}, "resource": NEWSLETTER}
        assert [found async for found in pep.found("subject", 1, **whom)] == [entities[0], entities[3]]
