"""`python -m tests.benchmarks` (`make bench`): measures, and prints the machine and the figures beside their goals."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tests.benchmarks import (
    batching,
    bulk,
    checking,
    deciding,
    granting,
    importing,
    machine,
    sending,
    withdrawing,
)
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.sizes import QUICK, Sizes

MEASUREMENTS: dict[str, Callable[[Sizes], Awaitable[list[Figure]]]] = {
    "check": checking.measure,
    "decide": deciding.measure,
    "batch": batching.measure,
    "bulk": bulk.measure,
    "grant": granting.measure,
    "import": importing.measure,
    "send": sending.measure,
    "withdraw": withdrawing.measure,
}


async def run(chosen: list[str], sizes: Sizes, *, quick: bool, as_json: bool) -> None:
    """Measure what was chosen, one after the other."""
    described = machine.described()
    if described["load_before"] > described["cores"] / 4:
        print("others use this machine: figures will be low, ratios less so", file=sys.stderr, flush=True)
    if not as_json:
        print(machine.line(described), flush=True)
    figures: list[Figure] = []
    for name in chosen:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        figures += await MEASUREMENTS[name](sizes)
    if as_json:
        told = {"machine": described, "quick": quick, "figures": [figure.told() for figure in figures]}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"\n{table(figures)}")
        if quick:
            print("\n--quick shows the shape and says nothing of speed.")


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "measurements", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; else all"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows the shape, says nothing of speed"
    )
    parser.add_argument("--full", action="store_true", help="the whole-base gate over 10,000,000 contacts")
    parser.add_argument("--people", type=int, help="persons to import; 1000000 for the goal of memory")
    parser.add_argument("--rounds", type=int, help="how often each is measured, in turns with its limit")
    options = parser.parse_args()
    unknown = sorted(set(options.measurements) - set(MEASUREMENTS))
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}")
    sizes = QUICK if options.quick else Sizes()
    if options.full:
        sizes = replace(sizes, bulk_persons=10_000_000)
    if options.people:
        sizes = replace(sizes, imported_persons=options.people)
    if options.rounds:
        sizes = replace(sizes, rounds=options.rounds)
    asyncio.run(
        run(options.measurements or list(MEASUREMENTS), sizes, quick=options.quick, as_json=options.json)
    )


if __name__ == "__main__":
    main()
