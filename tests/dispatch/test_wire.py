"""What is cut off is cut off: once a hand-off is over, a relay that stalled meanwhile never sees the mail's end."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from registry.access.workspace import Workspace
from registry.dispatch import claiming, handoff, outbox
from registry.dispatch.channels.contract import Handed, Parcel, Unknown
from registry.dispatch.channels.email.transport import SmtpTransport
from registry.dispatch.claiming import Office
from registry.dispatch.owner import owner
from registry.dispatch.sink import sink
from tests.dispatch.people import CALLER, campaign, one_click, persons
from tests.dispatch.stalling import SECONDS, Relay, Security, certified, relay

BODY = (b"z" * 70 + b"\r\n") * 4000
# More than a kernel takes: the rest waits with us.
LARGE = b"Subject: x\r\n\r\n" + BODY * 30
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
Loop = Callable[[], asyncio.AbstractEventLoop]


async def over(relay: Relay) -> bool:
    """Let the relay read on to the end; whether it saw the end of the mail."""
    relay.resume.set()
    for _ in range(10):
        # No mail ends but by its dot; a connection that was never cut off is waited for no longer than this.
        if await asyncio.to_thread(relay.ended.wait, 0.2) or relay.saw_the_end:
            break
    else:
        raise AssertionError("the connection was not cut off")
    assert relay.read
    return relay.saw_the_end


async def until_stalled(relay: Relay) -> None:
    assert await asyncio.to_thread(relay.stalled.wait, SECONDS)
    # Whatever both kernels take is with them.
    await asyncio.sleep(0.1)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    return made


@pytest.mark.law("LP-16")
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("security", ["smtp", "smtps", "starttls"])
def test_a_relay_that_stalls_never_sees_the_end_after_its_time(
    loop: Loop, security: Security, certificate: Path
) -> None:
    async def hand(relay: Relay) -> None:
        way = SmtpTransport(relay.url, 1, reply_seconds=0.3)
        await way.open()
        assert (way._idle[0].get_transport_info("sslcontext") is None) == (security == "smtp")
        number = way._idle[0].get_transport_info("socket").fileno()
        assert await way.hand(Parcel("a@example.com", "b@example.org", LARGE)) == Unknown("smtp.no_reply")
        # Not in a moment: whoever waits for the locks has them next.
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)
        assert not await over(relay)

    with relay(security, certificate) as slow, asyncio.Runner(loop_factory=loop) as runner:
        runner.run(hand(slow))


@pytest.mark.law("LP-16")
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("security", ["smtp", "smtps"])
def test_nor_after_the_hand_off_was_called_off(loop: Loop, security: Security, certificate: Path) -> None:
    async def hand(relay: Relay) -> None:
        way = SmtpTransport(relay.url, 1)
        await way.open()
        sending = asyncio.ensure_future(way.hand(Parcel("a@example.com", "b@example.org", LARGE)))
        await until_stalled(relay)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert not await over(relay)

    with relay(security, certificate) as slow, asyncio.Runner(loop_factory=loop) as runner:
        runner.run(hand(slow))


@pytest.mark.law("LP-16")
@pytest.mark.parametrize("loop", LOOPS)
def test_nor_when_it_hung_up_on_us_and_reads_on(loop: Loop) -> None:
    async def hand(relay: Relay) -> None:
        way = SmtpTransport(relay.url, 1)
        await way.open()
        assert await way.hand(Parcel("a@example.com", "b@example.org", LARGE)) == Unknown("smtp.no_reply")
        assert not await over(relay)

    with relay() as slow, asyncio.Runner(loop_factory=loop) as runner:
        slow.hangs_up = True
        runner.run(hand(slow))


_SENDER = f"""
import asyncio, sys, uvloop
from registry.dispatch.channels.contract import Parcel
from registry.dispatch.channels.email.transport import SmtpTransport

async def main():
    way = SmtpTransport(sys.argv[1], 1)
    await way.open()
    await way.hand(Parcel("a@example.com", "b@example.org", {BODY[:72]!r} * int(sys.argv[2])))

asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())
"""


@pytest.mark.law("LP-16")
async def test_nor_when_the_sender_was_killed() -> None:
    # As large as a template may be: the sender's kernel has all of it, and would send it on.
    lines = 4000
    with relay() as slow:
        sender = subprocess.Popen([sys.executable, "-c", _SENDER, slow.url, str(lines)])
        try:
            await until_stalled(slow)
        finally:
            sender.kill()
            sender.wait()
        assert not await over(slow)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_was_answered_is_not_lost_with_the_connection(loop: Loop, tmp_path: Path) -> None:
    async def hand() -> None:
        async with sink(tmp_path / "mail") as server:
            for polite in (True, False):
                way = SmtpTransport(server.url, 4)
                await way.open()
                told = [
                    await asyncio.gather(
                        *(way.hand(Parcel("a@example.com", "b@example.org", BODY)) for _ in range(4))
                    )
                    for _ in range(5)
                ]
                assert all(isinstance(result, Handed) for results in told for result in results)
                if polite:
                    await way.close()
                else:
                    for client in way._idle:
                        await client.cut()
            assert server.count() == 40
            assert {len(mail.content) for mail in server.received()} == {len(BODY)}

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(hand())


@pytest.mark.law("LP-16")
async def test_nothing_of_a_mail_leaves_after_the_no_was_acknowledged(workspace: Workspace) -> None:
    (person,) = await persons(workspace, ["anna@example.org"])
    await campaign(workspace)
    async with workspace.database.begin(CALLER) as session:
        assignment = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (person,))
    async with owner(workspace.database.urls.app) as ourselves:
        office = Office(workspace.database, workspace.ring, workspace.policies, ourselves.name, {})
        with relay() as slow:
            way = SmtpTransport(slow.url, 1, reply_seconds=0.3)
            await way.open()
            (one,) = await claiming.claim(office, "email", 1)
            assert one.draft is not None
            large = replace(one, draft=replace(one.draft, content=one.draft.content + BODY))
            (outcome,) = await handoff.hand_over(office, way, [large])
            assert (outcome.state, outcome.reason) == (outbox.UNKNOWN, "smtp.no_reply")
            await workspace.database.run(CALLER, lambda s: one_click(s, workspace, person, assignment))
            assert not await over(slow)
            await way.close()
