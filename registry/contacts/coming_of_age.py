"""On which day a person comes of age for consent (GDPR art. 8): followed from date of birth and country at each write.

The date of birth lies sealed among the fields; the days that follow from it by the rules of `policies/ages.toml` lie
readable, because the gate compares them.
"""

import json
from collections.abc import Collection, Mapping
from datetime import date
from hashlib import sha256
from uuid import UUID

from registry.keys import persons
from registry.keys.columns import FIELD_VALUE
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.clock import FAR_PAST_DAY
from registry.kit.database import Database, Role, Session
from registry.kit.sealing import Unopenable
from registry.policy.ages import coming_of_age
from registry.policy.model import PolicySet
from registry.standing import service as standing

BIRTH_DATE = "birth_date"
_CHUNK = 500


def read(text: str, today: date) -> date:
    """The date of birth that `text` is (ISO 8601, `2012-05-31`); ValueError for anything else, and for the future."""
    born = date.fromisoformat(text)
    if born.isoformat() != text or not FAR_PAST_DAY <= born <= today:
        raise ValueError("not a date of birth")
    return born


async def follow(
    session: Session, policies: PolicySet, keys: Mapping[UUID, PersonKeys], contact_ids: Collection[UUID]
) -> None:
    """Write the days anew for these persons, whose birth date or country may have changed; they are locked or new.

    Whoever's date of birth is not stored has none: their age is not known. Where one is stored and cannot be read, what
    followed from it stays, for nobody comes of age by a lost key. The strictest age holds where the country is not
    known.
    """
    if not contact_ids or BIRTH_DATE not in policies.fields:
        return
    ids = list(contact_ids)
    rows = await session.all(
        "SELECT f.contact_id, f.value, f.plain, c.country FROM contact_field f JOIN contact c ON c.id = f.contact_id"
        " WHERE f.contact_id = ANY(%b::uuid[]) AND f.field = %s",
        (ids, BIRTH_DATE),
    )
    made: list[tuple[UUID, date, date]] = []
    unread: set[UUID] = set()
    for row in rows:
        try:
            text = row.plain or keys[row.contact_id].open(FIELD_VALUE, bytes(row.value)).decode()
            born = date.fromisoformat(text)
        except (Unopenable, KeyError, ValueError):
            unread.add(row.contact_id)
            continue
        days = coming_of_age(policies.ages, row.country, born)
        made.extend((row.contact_id, since, when) for since, when in days)
    known = [contact_id for contact_id in ids if contact_id not in session.fresh | unread]
    columns = tuple(map(list, zip(*made, strict=True))) if made else ([], [], [])
    if known:
        # What stays as it was keeps the time since when it is known.
        await session.execute(
            "DELETE FROM coming_of_age c WHERE c.contact_id = ANY(%b::uuid[]) AND (c.contact_id, c.since) NOT IN"
            " (SELECT * FROM unnest(%b::uuid[], %s::date[]))",
            (known, *columns[:2]),
        )
    if made:
        await session.execute(
            "INSERT INTO coming_of_age AS c (contact_id, since, of_age_on)"
            " SELECT * FROM unnest(%b::uuid[], %s::date[], %s::date[])"
            " ON CONFLICT (contact_id, since) DO UPDATE SET of_age_on = excluded.of_age_on, recorded_at = DEFAULT"
            " WHERE c.of_age_on <> excluded.of_age_on",
            columns,
        )
    session.stale.update(ids)


def _table(policies: PolicySet) -> str:
    """A hash of the table of ages that the rows follow from."""
    told = sorted((rule.country, rule.since.isoformat(), rule.age) for rule in policies.ages)
    return sha256(json.dumps(told).encode()).hexdigest()


async def is_current(session: Session, policies: PolicySet) -> bool:
    """Whether the days of everybody on record follow from the table of ages that is in use."""
    known = await session.value("SELECT policy FROM followed WHERE what = 'ages'")
    return bool(known == _table(policies))


async def rebuild(database: Database, ring: KeyRing, policies: PolicySet, caller: Caller) -> int:
    """Write the days of everybody whose date of birth is stored, some at a time; how many persons.

    After a change of the table of ages: a new rule must hold for those who were recorded before it, too.
    """
    done, after = 0, UUID(int=0)
    while True:
        async with database.begin(caller) as session:
            found = await session.all(
                "SELECT contact_id FROM contact_field WHERE field = %s AND contact_id > %s"
                " ORDER BY contact_id LIMIT %s",
                (BIRTH_DATE, after, _CHUNK),
            )
            if ids := [row.contact_id for row in found]:
                await standing.lock(session, ids)
                await follow(session, policies, await persons.load(session, ring, ids), ids)
        if not ids:
            break
        done += len(ids)
        after = ids[-1]
    async with database.begin(caller, Role.OWNER) as session:
        await session.execute(
            "INSERT INTO followed (what, policy) VALUES ('ages', %s)"
            " ON CONFLICT (what) DO UPDATE SET policy = excluded.policy",
            (_table(policies),),
        )
    return done
