"""Importing a file: persons with keys, sealed values, ledger, projection and audit, and the memory that it takes."""

from collections.abc import Iterator
from time import perf_counter

import psycopg

from registry.kit.database import Role
from tests.benchmarks import installations, processes
from tests.benchmarks.figures import Figure, Goal
from tests.benchmarks.installations import Place
from tests.benchmarks.sizes import Sizes

_RATE = Goal(5_000)
_MEMORY = Goal(300, most=True)
# So many at least before memory says anything about a large file.
_TELLING = 100_000


async def measure(sizes: Sizes) -> list[Figure]:
    """`zgoda import` of a `zgoda sample`, as its own process, against COPY of as many bare rows before and after."""
    async with installations.place() as place:
        file = place.folder / "people.zip"
        people = str(sizes.imported_persons)
        sample = ["sample", "--people", people, "--seed", "1", "--out", str(file)]
        await processes.run(processes.zgoda(place.data, *sample, "--json"))
        told = ["import", str(file), "--format", "mailchimp", "--mapping", f"{file}.mapping.toml"]
        command = processes.zgoda(place.data, *told, "--json")
        before = await _bare(place, sizes.imported_persons)
        ran = await processes.run(command)
        after = await _bare(place, sizes.imported_persons)
        again = await processes.run(command)
    rows = ran.told["rows"]
    rate, limit = rows / ran.seconds, (before + after) / 2
    memory = ran.resident / 1e6
    return [
        Figure(
            f"import of {rows:,} rows with keys and audit",
            rate,
            "rows/s",
            limit,
            "bare rows/s by COPY",
            rate / limit,
            _RATE,
            f"the whole command, {ran.seconds:.1f} s; the same file again, where everybody is known: "
            f"{again.told['rows'] / again.seconds:,.0f} rows/s",
        ),
        Figure(
            "import: resident memory of our process",
            memory,
            "MB",
            goal=_MEMORY,
            note=""
            if sizes.imported_persons >= _TELLING
            else "the goal is meant for 1,000,000 rows: --people 1000000",
        ),
    ]


async def _bare(place: Place, number: int) -> float:
    """Rows a second of one COPY into a table with a primary key and nothing else to do."""
    url = place.workspace.database.urls.of(Role.OWNER)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("DROP TABLE IF EXISTS bare")
        await connection.execute(
            "CREATE TABLE bare (id bigint PRIMARY KEY, email text, first_name text, last_name text, city text)"
        )
        await connection.commit()
        began = perf_counter()
        async with connection.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
            for lines in _lines(number):
                await copy.write(lines)
        await connection.commit()
        seconds = perf_counter() - began
        await connection.execute("DROP TABLE bare")
    return number / seconds


def _lines(number: int) -> Iterator[str]:
    for start in range(0, number, 1000):
        yield "".join(
            f"{n}\tperson{n}@example.org\tAnna\tKowalska {n}\tRiga\n"
            for n in range(start, min(start + 1000, number))
        )
