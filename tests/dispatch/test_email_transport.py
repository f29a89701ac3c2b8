"""SMTP on the wire, against a real server in another process: every way in which a hand-off can end."""

import asyncio
from pathlib import Path

import pytest

from registry.dispatch.channels.contract import Handed, Parcel, Rejected, Unknown, Unreached
from registry.dispatch.channels.email.transport import SmtpTransport, create
from registry.dispatch.sink import Behaviour, sink
from registry.kit.errors import Misuse, Unavailable

CONTENT = b"Subject: x\r\n\r\n.dot\r\nbody\r\n"


def parcel(to: str = "a@example.org") -> Parcel:
    return Parcel("from@example.com", to, CONTENT)


async def test_hands_over_on_connections_that_stay_open(tmp_path: Path) -> None:
    async with sink(tmp_path / "mail") as server:
        transport = create(server.url, 4)
        await transport.open()
        results = [await asyncio.gather(*(transport.hand(parcel()) for _ in range(4))) for _ in range(25)]
        await transport.close()
        assert all(isinstance(result, Handed) for batch in results for result in batch)
        assert server.count() == 100
        mail = next(server.received())
        assert mail.content == CONTENT
        assert mail.recipients == ("a@example.org",)
        assert mail.begun <= mail.ended


async def test_a_refusal_leaves_the_connection_usable(tmp_path: Path) -> None:
    async with sink(tmp_path / "mail", behaviour=Behaviour(reject="no", defer="later")) as server:
        transport = create(server.url, 1)
        await transport.open()
        assert await transport.hand(parcel("nobody@example.org")) == Rejected(permanent=True, code=550)
        assert await transport.hand(parcel("later@example.org")) == Rejected(permanent=False, code=451)
        assert isinstance(await transport.hand(parcel()), Handed)
        await transport.close()


async def test_a_connection_lost_after_the_content_is_unknown_and_made_anew(tmp_path: Path) -> None:
    async with sink(tmp_path / "mail", behaviour=Behaviour(drop="drop")) as server:
        transport = create(server.url, 1)
        await transport.open()
        assert await transport.hand(parcel("drop@example.org")) == Unknown("smtp.no_reply")
        assert await transport.hand(parcel()) == Unreached("smtp.no_connection")
        assert await transport.ready() == 1
        assert isinstance(await transport.hand(parcel()), Handed)
        assert server.recipients() == ["drop@example.org", "a@example.org"]
        await transport.close()


async def test_no_reply_in_time_is_unknown(tmp_path: Path) -> None:
    async with sink(tmp_path / "mail", behaviour=Behaviour(hang="hang")) as server:
        transport = SmtpTransport(server.url, 1, reply_seconds=0.3)
        await transport.open()
        assert await transport.hand(parcel("hang@example.org")) == Unknown("smtp.no_reply")
        await transport.close()


async def test_a_server_that_went_away_took_nothing(tmp_path: Path) -> None:
    async with sink(tmp_path / "mail") as server:
        transport = create(server.url, 1)
        await transport.open()
    await asyncio.sleep(0.05)
    assert isinstance(await transport.hand(parcel()), Unreached)
    assert await transport.ready() == 0
    await transport.close()


async def test_nobody_there_is_one_clear_line() -> None:
    transport = create("smtp://127.0.0.1:9", 2)
    with pytest.raises(Unavailable) as caught:
        await transport.open()
    assert caught.value.code == "smtp.unreachable"
    assert "127.0.0.1:9" in caught.value.line()
    assert "\n" not in caught.value.line()


@pytest.mark.parametrize(
    "url", ["", "localhost:25", "http://x", "smtp://", "smtp://h:notaport", "smtp://h:99999"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Misuse) as caught:
        create(url, 1)
    assert caught.value.code == "smtp.invalid"


async def test_no_value_can_add_a_command(tmp_path: Path) -> None:
    async with sink(tmp_path / "mail") as server:
        transport = create(server.url, 1)
        await transport.open()
        result = await transport.hand(parcel("a@example.org>\r\nRCPT TO:<b@example.org"))
        assert result == Rejected(permanent=True, code=553)
        assert server.count() == 0
        await transport.close()


async def test_the_server_ends_with_whoever_started_it(tmp_path: Path) -> None:
    async with sink(tmp_path / "mail") as server:
        pid = server.pid
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()
