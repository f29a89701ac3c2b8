"""Persons to measure with: made through the same services as everybody's, or in bulk where only the gate looks."""

from itertools import islice
from uuid import UUID

from registry.kit.clock import FAR_FUTURE, FAR_PAST
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
    async with place.workspace.database.begin(CALLER) as session:
        params = {
            "n": number,
            "purpose": policies.purpose_ids["newsletter"],
            "channel": policies.channel_ids["email"],
        }
        for statement in _BASE:
            await session.execute(statement, params)
        rows = await session.value("SELECT count(*) FROM gate_state WHERE purpose_id = %(purpose)s", params)
    await place.vacuum()
    return int(rows)


# Ids grow as those of real persons do, and leave out most of the space as those do.
_PERSON = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
# A second address of the same person differs in one digit.
_ADDRESS = "('01900000-0000-7000-8{0}00-' || lpad(to_hex(n), 12, '0'))::uuid"
_STATE = f"""
INSERT INTO gate_state
SELECT {_PERSON}, {_ADDRESS}, {_ADDRESS}, {_ADDRESS},
    CASE WHEN n %% 997 = 0 THEN now() ELSE '{FAR_PAST:%Y-%m-%d}T00:00Z' END,
    CASE WHEN n %% 7 < 5 THEN now() - n %% 900 * interval '1 day' ELSE '{FAR_PAST:%Y-%m-%d}T00:00Z' END,
    '{FAR_FUTURE:%Y-%m-%d}T00:00Z', now() - n %% 900 * interval '1 day', 1,
    %(purpose)s, %(channel)s,
    CASE WHEN n %% 1009 = 0 THEN 1 ELSE 0 END,
    CASE WHEN n %% 53 = 0 THEN 2 WHEN n %% 101 = 0 THEN 0 ELSE 1 END,
    CASE WHEN n %% 100 = 0 THEN 2 ELSE 1 END,
    CASE WHEN n %% 61 = 0 THEN 1 ELSE 0 END,
    CASE WHEN n %% 71 = 0 THEN 1 ELSE 0 END,
    CASE WHEN n %% 7 < 5 THEN 5 ELSE (n %% 5)::int END,
    CASE WHEN n %% 11 = 0 THEN 0 ELSE 2 END, 1, 1, 0, (n %% 60)::int
FROM generate_series(1, %(n)s) AS n"""

_BASE = (
    f"INSERT INTO gate_row (subject_id) SELECT {_PERSON} FROM generate_series(1, %(n)s) AS n",
    f"INSERT INTO contact (id, source) SELECT {_PERSON}, 'benchmark' FROM generate_series(1, %(n)s) AS n",
    _STATE.replace("{0}", "0"),
    _STATE.replace("{0}", "1") + " WHERE n %% 100 = 0",
)
