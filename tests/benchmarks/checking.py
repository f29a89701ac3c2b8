"""One check over HTTP: decided on facts read after it arrived, kept, audited and committed before the answer."""

import json
import sys
from collections.abc import Awaitable, Callable

from tests.benchmarks import installations, people, processes
from tests.benchmarks.figures import Figure, Goal, against
from tests.benchmarks.processes import Server
from tests.benchmarks.sizes import Sizes

_HELLO = [sys.executable, "-m", "tests.benchmarks.hello"]
_GOAL = Goal(0.6, of_ratio=True)


async def measure(sizes: Sizes) -> list[Figure]:
    """A real `zgoda serve` process against Litestar saying hello on the same server."""
    async with installations.place() as place:
        persons = await people.subscribers(place, sizes.checked_persons)
        await place.vacuum()
        key = await place.key("engine")
        bodies = [
            json.dumps({"purpose": "newsletter", "channel": "email", "subject": {"id": str(one)}})
            for one in persons
        ]
        head = (
            "POST /api/v1/decisions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        )
        serve = processes.zgoda(place.data, "serve", "--port", "0")
        async with (
            processes.server(serve, place.log) as ours,
            processes.server(_HELLO, place.log) as hello,
        ):
            latencies: list[dict[str, float]] = []
            busy: list[float] = []

            def loaded(
                server: Server, head: str, bodies: list[str], keep: bool
            ) -> Callable[[], Awaitable[float]]:
                async def rate() -> float:
                    before = server.busy_seconds()
                    told = await processes.load(
                        server,
                        head,
                        bodies,
                        connections=sizes.connections,
                        seconds=sizes.seconds,
                        warm_seconds=sizes.warm_seconds,
                    )
                    if keep:
                        latencies.append(told)
                        busy.append((server.busy_seconds() - before) / told["answers"] * 1e6)
                    return float(told["rate"])

                return rate

            figure = await against(
                "one check over HTTP",
                "checks/s",
                loaded(ours, head, bodies, True),
                "hello-world/s",
                loaded(hello, "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n", [""], False),
                rounds=sizes.rounds,
                goal=_GOAL,
            )
    middle = sorted(latencies, key=lambda told: told["p99_ms"])[len(latencies) // 2]
    note = (
        f"{sizes.connections} connections; each answer after its decision and its audit entry were committed, "
        f"the sealer runs in the same process; p50 {middle['p50_ms']:.1f} ms, p99 {middle['p99_ms']:.1f} ms; "
        f"{sorted(busy)[len(busy) // 2]:.0f} µs of the server's processor a check"
    )
    return [figure.noted(note)]
