"""A thousand questions a call over HTTP, as an engine asks about its audience; all kept and noted before the answer."""

import json
import random
from time import perf_counter

from registry.gate import service
from registry.gate.model import Question
from tests.benchmarks import installations, people, processes
from tests.benchmarks.figures import Figure, Goal, against
from tests.benchmarks.installations import CALLER
from tests.benchmarks.sizes import Sizes

_GOAL = Goal(300_000)
_CONNECTIONS = 2
_CALL = 1_000
_CALLS = 20


async def measure(sizes: Sizes) -> list[Figure]:
    """Contacts a second over two connections, beside the gate's bare answers from one connection in this process."""
    async with installations.place() as place:
        persons = await people.subscribers(place, sizes.checked_persons)
        await place.vacuum()
        key = await place.key("engine")
        chance = random.Random(5)
        size = min(_CALL, len(persons))
        calls = [chance.sample(persons, size) for _ in range(_CALLS)]
        bodies = [
            json.dumps(
                {"purpose": "newsletter", "channel": "email", "subjects": [{"id": str(one)} for one in call]}
            )
            for call in calls
        ]
        head = (
            "POST /api/v1/decisions/batch HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        )
        workspace = place.workspace
        questions = [[Question(one, "newsletter", "email") for one in call] for call in calls]

        async with processes.server(processes.zgoda(place.data, "serve", "--port", "0"), place.log) as ours:

            async def asked() -> float:
                told = await processes.load(
                    ours,
                    head,
                    bodies,
                    connections=_CONNECTIONS,
                    seconds=sizes.seconds,
                    warm_seconds=sizes.warm_seconds,
                )
                return float(told["rate"]) * size

            async def bare() -> float:
                answered, began = 0, perf_counter()
                async with workspace.database.held(CALLER) as session:
                    while (seconds := perf_counter() - began) < sizes.seconds:
                        some = questions[chance.randrange(_CALLS)]
                        answered += len(await service.decide(session, workspace.policies, some))
                return answered / seconds

            figure = await against(
                f"{size:,} checks a POST, over {_CONNECTIONS} connections",
                "contacts/s",
                asked,
                "bare answers/s from one connection",
                bare,
                rounds=sizes.rounds,
                goal=_GOAL,
            )
    return [
        figure.noted(
            "every decision kept, its digest in the log, and committed before the answer;"
            " the client that reads the answers takes part of the same cores"
        )
    ]
