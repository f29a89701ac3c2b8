"""Letters as they arrive, and the links in them, for the tests of the pages."""

import asyncio
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from registry.access.workspace import Workspace
from registry.contacts import queries
from registry.contacts.queries import parse_reference
from registry.dispatch import worker
from registry.dispatch.channels.email.transport import SmtpTransport
from registry.dispatch.sink import sink
from tests.persons import CALLER

_LINK = re.compile(r"https?://\S+")


async def delivered(workspace: Workspace, folder: Path) -> list[EmailMessage]:
    """Send what is due, and return the mails that arrived, in order."""
    async with sink(folder / f"mail-{uuid4()}") as server:
        stop = asyncio.Event()
        ways = [SmtpTransport(server.url, 2)]
        task = asyncio.create_task(worker.dispatch(workspace, {"email": ways}, stop))
        async with asyncio.timeout(20):
            while await waiting(workspace):
                await asyncio.sleep(0.03)
        stop.set()
        await task
        contents = [one.content for one in server.received()]
    return [cast(EmailMessage, message_from_bytes(content, policy=default)) for content in contents]


async def waiting(workspace: Workspace) -> bool:
    async with workspace.database.begin(CALLER) as session:
        return bool(
            await session.value(
                "SELECT count(*) FROM message WHERE state = 'handing_off' OR (state = 'queued' AND due_at <= now())"
            )
        )


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return cast(str, body.get_content())


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return cast(str, body.get_content())


def path_in(mail: EmailMessage) -> str:
    """The path of the one link of ours in a letter."""
    (url,) = _LINK.findall(text_of(mail))
    return urlsplit(url).path


async def rows(workspace: Workspace, statement: str, params: Any = None) -> list[Any]:
    async with workspace.database.begin(CALLER) as session:
        return await session.all(statement, params)


async def counts(workspace: Workspace) -> tuple[int, ...]:
    """Everything that a person's request could have changed; the log of reads is not among it."""
    return tuple(
        [
            (await rows(workspace, f"SELECT count(*) FROM {table}"))[0][0]
            for table in (
                "consent_entry", "address_refusal", "message", "confirmation", "subject_request", "contact",
                "assignment", "ground", "campaign",
            )
        ]
    )  # fmt: skip


async def ids(workspace: Workspace, address: str) -> tuple[UUID, UUID]:
    """(person, assignment) of an address that one person has."""
    async with workspace.database.begin(CALLER) as session:
        identifier = parse_reference(f"email:{address}").identifier
        assert identifier is not None
        (held,) = (await queries.holders(session, workspace.ring, [identifier]))[identifier]
    return held.contact_id, held.assignment_id
