"""Who would be answered differently by other policies, and why: the question before every change of them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from registry.audit import entries as audit
from registry.gate import audience, pair_statement, policy_diff_records, rules
from registry.gate.pair_statement import Side
from registry.gate.policy_changes import (
    Change,
    Compared,
    Difference,
    Pair,
    Progress,
    answer_without_rows,
    declares,
)
from registry.gate.policy_members import Naming
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.policy import differing, numbers
from registry.policy import service as policy_service
from registry.policy.model import PolicySet
from registry.standing import listings


async def difference(
    database: Database,
    ring: KeyRing,
    caller: Caller,
    old: PolicySet,
    new: PolicySet,
    at: datetime,
    progress: Progress | None = None,
    naming: Naming | None = None,
) -> Difference:
    """How everybody's answers at `at` differ between two policies, by what is recorded now.

    Where the gate's rows follow from both alike, one scan in SQL tells (millions of persons a second); else every
    person's record is read and both tables are worked out anew (thousands a second), and `progress(label, total)`
    is asked for a function that is told how many are done. `naming` tells everybody whose answer differs. All of
    it sees one snapshot and changes nothing; then one entry in the log says that it was looked at, and about whom
    examples are told.
    """
    async with database.begin(caller) as session:
        # One instant for all purposes, and no way to write.
        await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = await _compare(session, old, new, at, progress, naming)
    async with database.begin(caller) as session:
        await audit.append(
            session,
            ring,
            "policy.diff",
            subjects=list(dict.fromkeys(one for change in found.changes for one in change.examples))[:500],
            kinds=("standing",),
            detail={
                "purposes": sorted(found.keys),
                "persons": max((one.persons for one in found.compared), default=0),
                "permitted": found.total("permitted"),
                "blocked": found.total("blocked"),
                "deferred": found.total("deferred"),
                **({} if naming is None else {"answers": naming.told, "complete": True}),
            },
        )
    return found


async def _compare(
    session: Session,
    old: PolicySet,
    new: PolicySet,
    at: datetime,
    progress: Progress | None,
    naming: Naming | None,
) -> Difference:
    old, new = await provisional(session, old), await provisional(session, new)
    recorded = {
        row.name: row.filled_from for row in await session.all("SELECT name, filled_from FROM purpose")
    }
    done = Difference(at, keys=dict(_keys(old, new)))
    slow: list[Pair] = []
    for pair in _pairs(old, new):
        before, after = (Side.of(p, *pair, at) if declares(p, pair) else None for p in (old, new))
        # The rows were written by what one of the two says, and of the other they would not differ.
        written = any(
            side is not None and _follow(side) == recorded.get(pair.purpose) for side in (before, after)
        )
        if before is None:
            slow.append(pair)
        elif after is None:
            if written:
                done.compared.append(one := await _ended(session, before, new, pair))
                if naming is not None:
                    await naming.ended(session, before, answer_without_rows(new, pair), one)
            else:
                slow.append(pair)
        elif _follow(before, pair.channel) != _follow(after, pair.channel):
            slow.append(pair)
        elif pair_statement.same(before, after):
            done.compared.append(Compared(pair, "none"))
        elif written:
            done.compared.append(one := await _by_rows(session, before, after, pair))
            if naming is not None:
                await naming.changed(session, before, after, one)
        else:
            slow.append(pair)
    if slow:
        done.compared += await policy_diff_records.compare(session, old, new, slow, at, progress, naming)
    done.compared.sort(key=lambda one: one.pair)
    return done


def _follow(side: Side, channel: str | None = None) -> str:
    """What the gate's rows of the purpose follow from, or those of one channel of it."""
    purpose = side.purpose
    if channel is not None:
        purpose = purpose.model_copy(update={"channels": (channel,)})
    return policy_service.rows_follow_from(side.policies, purpose)


async def provisional(session: Session, policies: PolicySet) -> PolicySet:
    """The policies with this database's numbers, free ones for what it does not know, and what lists it imported."""
    ids = await numbers.load_ids(session)
    imported = await listings.imports(session)

    def numbered(known: dict[str, int], names: Iterable[str]) -> dict[str, int]:
        free = max(known.values(), default=0)
        fresh = [name for name in names if name not in known]
        return {**known, **{name: free + number for number, name in enumerate(fresh, 1)}}

    return policies.numbered(
        numbered(ids.purposes, policies.purposes),
        numbered(ids.channels, policies.channels),
        numbered(ids.zones, policies.schedule.names()),
    ).model_copy(update={"list_imports": imported})


def _pairs(old: PolicySet, new: PolicySet) -> list[Pair]:
    return sorted(
        {
            Pair(purpose.id, channel)
            for policies in (old, new)
            for purpose in policies.purposes.values()
            for channel in purpose.channels
        }
    )


def _keys(old: PolicySet, new: PolicySet) -> Iterator[tuple[str, list[str]]]:
    for name in sorted(old.purposes.keys() | new.purposes.keys()):
        if name not in new.purposes:
            yield name, ["the purpose ends"]
        elif name not in old.purposes:
            yield name, ["the purpose is new"]
        elif said := differing.differences(old, new, name):
            yield name, said


async def _ended(session: Session, before: Side, new: PolicySet, pair: Pair) -> Compared:
    """A purpose or a channel that is no more: everybody's answer becomes the same "no"."""
    statement = audience.counted(before.policies, before.purpose, pair.channel, before.moment.at)
    rows = await session.all(statement.text, statement.params)
    after = answer_without_rows(new, pair)
    changes = [
        Change(*pair, rules.REASONS[row.code], after, row.persons)
        for row in rows
        if rules.REASONS[row.code] != after
    ]
    return Compared(pair, "rows", sum(row.persons for row in rows), tuple(changes))


async def _by_rows(session: Session, before: Side, after: Side, pair: Pair) -> Compared:
    statement = pair_statement.counted(
        before, after, before.policies.purpose_ids[pair.purpose], before.policies.channel_ids[pair.channel]
    )
    rows = await session.all(statement.text, statement.params)
    changes = [
        Change(
            *pair,
            rules.REASONS[row.old],
            rules.REASONS[row.new],
            row.persons,
            tuple(dict.fromkeys((UUID(row.first), UUID(row.last)))),
        )
        for row in rows
        if row.old != row.new
    ]
    return Compared(pair, "rows", sum(row.persons for row in rows), tuple(changes))
