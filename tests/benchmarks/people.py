"""Persons to measure with: made through the same services as everybody's, or in bulk where only the gate looks."""

from collections.abc import Sequence
from itertools import islice
from uuid import UUID

from registry.kit.clock import FAR_PAST
from tests.benchmarks.installations import CALLER, Place
from tests.dispatch.people import persons

BATCH = 500


async def subscribers(place: Place, number: int, *, refusing: int = 5) -> list[UUID]:
    """Persons with an address each; every `refusing`th never agreed to the newsletter, the others did."""
    found: list[UUID] = []
    addresses = iter(f"person{n}@example.org" for n in range(number))
    while batch := list(islice(addresses, BATCH)):
        without = len(batch) // refusing
        found += await persons(place.workspace, batch[:without], granted=False) if without else []
        found += await persons(place.workspace, batch[without:])
    return found


async def base(place: Place, number: int) -> int:
    """Fill what the gate reads with `number` persons, one in a hundred with two addresses; returns rows written.

    A mix such as bases have: two in three may be written to, the others for every reason that there is.
    """
    policies = place.workspace.policies
    await persons(place.workspace, ["pattern@example.org"])
    async with place.workspace.database.begin(CALLER) as session:
        params = {
            "n": number,
            "purpose": policies.purpose_ids["newsletter"],
            "channel": policies.channel_ids["email"],
        }
        columns = [
            row.column_name
            for row in await session.all(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'gate_state' AND table_schema = current_schema() ORDER BY ordinal_position"
            )
        ]
        assert set(_STATE) <= set(columns)
        for statement in (*_PEOPLE, _insert(columns, "0"), _insert(columns, "1", "n %% 100 = 0")):
            await session.execute(statement, params)
        rows = await session.value("SELECT count(*) FROM gate_state WHERE purpose_id = %(purpose)s", params)
    await place.vacuum()
    return int(rows)


# Ids grow as those of real persons do, and leave out most of the space as those do.
_PERSON = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
# A second address of the same person differs in one digit.
_ADDRESS = "('01900000-0000-7000-8{0}00-' || lpad(to_hex(n), 12, '0'))::uuid"
_NEVER = f"'{FAR_PAST:%Y-%m-%d}T00:00Z'::timestamptz"
_SEEN = "now() - n %% 900 * interval '1 day'"
# What makes the base what it is; every other fact is as of the one person who was made by the services.
_STATE = {
    "contact_id": _PERSON,
    "assignment_id": _ADDRESS,
    "address_id": _ADDRESS,
    "evidence": _ADDRESS,
    "restricted_at": f"CASE WHEN n %% 997 = 0 THEN now() ELSE {_NEVER} END",
    "consented_at": f"CASE WHEN n %% 7 < 5 THEN {_SEEN} ELSE {_NEVER} END",
    "verified_at": _SEEN,
    "active_at": f"CASE WHEN n %% 7 < 5 THEN {_SEEN} ELSE {_NEVER} END",
    "contact_state": "CASE WHEN n %% 1009 = 0 THEN 1 ELSE 0 END",
    "address_state": "CASE WHEN n %% 53 = 0 THEN 2 WHEN n %% 101 = 0 THEN 0 ELSE 1 END",
    "addresses": "CASE WHEN n %% 100 = 0 THEN 2 ELSE 1 END",
    "suppressed": "CASE WHEN n %% 61 = 0 THEN 1 ELSE 0 END",
    "objected": "CASE WHEN n %% 71 = 0 THEN 1 ELSE 0 END",
    "consent": "CASE WHEN n %% 7 < 5 THEN 5 ELSE (n %% 5)::int END",
    "grade": "CASE WHEN n %% 11 = 0 THEN 0 ELSE 2 END",
    "jurisdiction": "(n %% 60)::int",
}
_PATTERN = "SELECT * FROM gate_state WHERE purpose_id = %(purpose)s AND channel_id = %(channel)s LIMIT 1"
_PEOPLE = (
    f"INSERT INTO gate_row (subject_id) SELECT {_PERSON} FROM generate_series(1, %(n)s) AS n",
    f"INSERT INTO contact (id, source) SELECT {_PERSON}, 'benchmark' FROM generate_series(1, %(n)s) AS n",
)


def _insert(columns: Sequence[str], which: str = "", where: str = "true") -> str:
    facts = ", ".join(_STATE.get(column, f"t.{column}").replace("{0}", which) for column in columns)
    return (
        f"INSERT INTO gate_state ({', '.join(columns)}) SELECT {facts}"
        f" FROM generate_series(1, %(n)s) AS n, ({_PATTERN}) AS t WHERE {where}"
    )
