"""Handing messages over: claimed, decided under lock, composed, sent, kept and audited; against bare sending."""

import asyncio
import sys
from pathlib import Path
from time import monotonic

from registry.dispatch.sink import Sink, sink
from registry.dispatch.worker import CONNECTIONS, DISPATCHERS
from tests.benchmarks import installations, people, processes
from tests.benchmarks.figures import Figure, Goal, against
from tests.benchmarks.installations import Place
from tests.benchmarks.processes import BenchmarkBroken
from tests.benchmarks.sizes import Sizes
from tests.dispatch.people import campaign

_GOAL = Goal(500)
_PATIENCE = 300


async def measure(sizes: Sizes) -> list[Figure]:
    """A real `zgoda worker` process and the sink, against the same bytes over as many connections."""
    connections = DISPATCHERS * CONNECTIONS
    async with installations.place() as place:
        await people.subscribers(place, sizes.mailed_persons)
        await place.vacuum()
        rounds = 0

        async def handed() -> float:
            nonlocal rounds
            rounds += 1
            campaign_id = await campaign(place.workspace)
            async with sink(place.folder / f"mail{rounds}") as server:
                worker = processes.zgoda(place.data, "worker", "--smtp", server.url)
                async with processes.beside(worker, place.log):
                    await _until_done(place, str(campaign_id))
            return _rate(server)

        async def bare() -> float:
            example = next(Sink("", place.folder / "mail1", 0).received())
            letter = place.folder / "letter"
            letter.write_bytes(example.content)
            async with sink(place.folder / "bare") as server:
                ran = await processes.run(
                    [
                        sys.executable, "-m", "tests.benchmarks.letters", server.url, str(letter),
                        str(sizes.mailed_persons), str(connections),
                    ]
                )  # fmt: skip
            (place.folder / "bare").unlink()
            return float(ran.told["rate"])

        await handed()  # the letter that is sent bare, and a warm database
        return [
            await against(
                "hand-offs to the SMTP sink",
                "messages/s",
                handed,
                "prebuilt mails/s to the same sink",
                bare,
                rounds=max(1, sizes.rounds // 2),
                goal=_GOAL,
                note=f"{connections} connections; from the first MAIL to the last reply, as the sink saw it",
            )
        ]


async def _until_done(place: Place, campaign_id: str) -> None:
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline:
        async with place.workspace.database.connection() as connection:
            cursor = await connection.execute(
                "SELECT 1 FROM message WHERE campaign_id = %s AND state IN ('queued', 'handing_off') LIMIT 1",
                (campaign_id,),
            )
            left = await cursor.fetchone()
            await connection.rollback()
        if left is None:
            return
        await asyncio.sleep(0.2)
    raise BenchmarkBroken(_tail(place.log))


def _rate(server: Sink) -> float:
    mails = list(server.received())
    if len(mails) < 2:
        raise BenchmarkBroken("hardly a mail came")
    return len(mails) / (max(mail.ended for mail in mails) - min(mail.begun for mail in mails))


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
