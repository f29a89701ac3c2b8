"""Puts policies into force: versions and notices recorded for good, numbers for names, room in the gate's table."""

import json
from dataclasses import dataclass, field
from hashlib import sha256

import rfc8785

from registry.audit import entries
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.policy import loader
from registry.policy.model import PolicySet, Purpose

# One installer at a time: several commands may open the same installation together.
_LOCK = 7_016_550_241_903
# A key that is not here is taken to matter: one too many costs a rebuild, one too few a stale "yes".
_NOT_IN_ROWS = {
    "version",
    "title",
    "locales",
    "default_locale",
    "data_kinds",
    "recipients",
    "notice_version",
    "least_notice_version",
    "valid_for_days",
    "grounds",
    "automated_decisions",
}


@dataclass(frozen=True, slots=True)
class PolicyIds:
    """The small numbers that stand for names in the gate's table; given once by each database."""

    purposes: dict[str, int]
    channels: dict[str, int]


@dataclass(slots=True)
class Installed:
    """What an installation changed, and the policies with this database's numbers.

    `unfilled` are purposes whose rows in the gate's table were not written, for everybody on record, from what
    the policy says now: they are new, or what the rows follow from changed (a channel, a similar product, a
    second step). Before the gate answers, `consents.projection.rebuild` writes them and `mark_filled` says so.
    """

    policies: PolicySet
    versions: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    new_purposes: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    unfilled: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.versions or self.notices or self.new_purposes or self.retired or self.channels)


async def install(
    session: Session, ring: KeyRing, policies: PolicySet, *, author: str, reason: str
) -> Installed:
    """Record what is new in `policies`, in the owner's transaction; doing it again changes nothing.

    Refused `notice.fixed`: a text changed under a version that was recorded. Refused `purpose.fixed`: another
    controller, class or basis under the name of a known purpose, for a "yes" or a "no" given to the old one
    would then answer for the new one (GDPR art. 4(11), 7(3)).
    """
    await session.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    done = Installed(policies)
    await _refuse_relabelling(session, policies)
    await _record_notices(session, policies, done)
    await _record_versions(session, policies, author, reason, done)
    await _number_channels(session, policies, done)
    await _number_purposes(session, policies, done)
    ids = await load_ids(session)
    done.policies = policies.numbered(ids.purposes, ids.channels)
    for row in await session.all(
        "SELECT name, filled_from FROM purpose WHERE retired_at IS NULL ORDER BY id"
    ):
        if row.filled_from != rows_follow_from(policies, policies.purposes[row.name]):
            done.unfilled.append(row.name)
    if done.changed:
        await entries.append(
            session,
            ring,
            "policy.install",
            detail={
                "author": author,
                "reason": reason,
                "versions": dict(sorted(done.versions.items())),
                "notices": done.notices,
                "new": done.new_purposes,
                "retired": done.retired,
                "channels": done.channels,
            },
        )
    return done


async def mark_filled(session: Session, policies: PolicySet) -> None:
    """Say, as the owner, that the gate's rows of every purpose were written from these policies."""
    for name, purpose in policies.purposes.items():
        await session.execute(
            "UPDATE purpose SET filled_from = %s WHERE name = %s", (rows_follow_from(policies, purpose), name)
        )


def rows_follow_from(policies: PolicySet, purpose: Purpose) -> str:
    """A hash of what of a policy the gate's rows follow from; what is only compared or shown is left out."""
    said = purpose.model_dump(mode="json", by_alias=True, exclude=_NOT_IN_ROWS)
    reached_by = {name: policies.channels[name].address for name in purpose.channels}
    return sha256(rfc8785.dumps({"purpose": said, "channels": reached_by})).hexdigest()[:32]


async def load_ids(session: Session) -> PolicyIds:
    """The numbers of live purposes and of channels, by name."""
    purposes = await session.all("SELECT name, id FROM purpose WHERE retired_at IS NULL ORDER BY id")
    channels = await session.all("SELECT name, id FROM channel ORDER BY id")
    return PolicyIds({row.name: row.id for row in purposes}, {row.name: row.id for row in channels})


async def _refuse_relabelling(session: Session, policies: PolicySet) -> None:
    known = await session.all(
        "SELECT DISTINCT ON (purpose) purpose, body->'purpose'->>'controller' AS controller,"
        " body->'purpose'->>'class' AS kind, body->'purpose'->>'basis' AS basis"
        " FROM policy_version ORDER BY purpose, recorded_at DESC"
    )
    for last in known:
        purpose = policies.purposes.get(last.purpose)
        if purpose is None:
            continue
        for what, was, now in (
            ("controller", last.controller, purpose.controller),
            ("class", last[2], purpose.class_.value),
            ("basis", last.basis, purpose.basis.value),
        ):
            if was != now:
                raise Refused(
                    "purpose.fixed",
                    f"The {what} of {purpose.id} was recorded as {was} and now is {now}.",
                    field=f"purposes/{purpose.id}/policy.toml",
                    mend="give the changed purpose a name of its own",
                )


async def _record_notices(session: Session, policies: PolicySet, done: Installed) -> None:
    recorded = {
        (row.purpose, row.version, row.locale): bytes(row.hash)
        for row in await session.all("SELECT purpose, version, locale, hash FROM notice")
    }
    fresh = []
    for notices in policies.notices.values():
        for notice in notices:
            known = recorded.get((notice.purpose, notice.version, notice.locale))
            name = f"{notice.purpose}/{notice.version}/{notice.locale}"
            if known is None:
                fresh.append(
                    (notice.purpose, notice.version, notice.locale, notice.hash, notice.body, notice.change)
                )
                done.notices.append(name)
            elif known != notice.hash:
                raise Refused(
                    "notice.fixed",
                    f"The text of notice {name} differs from the one recorded under that version.",
                    field=f"purposes/{notice.purpose}",
                    mend="give the changed text the next version, in every language",
                )
    if fresh:
        await session.many(
            "INSERT INTO notice (purpose, version, locale, hash, body, change)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            fresh,
        )


async def _record_versions(
    session: Session, policies: PolicySet, author: str, reason: str, done: Installed
) -> None:
    for name, purpose in policies.purposes.items():
        row = await session.first(
            "INSERT INTO policy_version (purpose, version, body, author, reason) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING RETURNING version",
            (name, purpose.version, json.dumps(loader.body(policies, name)), author, reason),
        )
        if row is not None:
            done.versions[name] = purpose.version


async def _number_channels(session: Session, policies: PolicySet, done: Installed) -> None:
    known = {row.name for row in await session.all("SELECT name FROM channel")}
    for name in policies.channels:
        if name not in known:
            await session.execute(
                "INSERT INTO channel (id, name) SELECT coalesce(max(id), 0) + 1, %s FROM channel", (name,)
            )
            done.channels.append(name)


async def _number_purposes(session: Session, policies: PolicySet, done: Installed) -> None:
    known = {row.name: row for row in await session.all("SELECT id, name, retired_at FROM purpose")}
    for name, row in known.items():
        if name not in policies.purposes and row.retired_at is None:
            await session.execute(
                "UPDATE purpose SET retired_at = now(), filled_from = NULL WHERE id = %s", (row.id,)
            )
            await session.execute(f"DROP TABLE IF EXISTS gate_state_{row.id:d}")
            done.retired.append(name)
    for name, purpose in policies.purposes.items():
        if (row := known.get(name)) is None:
            number = await _number(session, purpose)
        elif row.retired_at is not None:
            number = row.id
            await session.execute("UPDATE purpose SET retired_at = NULL WHERE id = %s", (number,))
        else:
            continue
        await _make_room(session, number)
        done.new_purposes.append(name)


async def _number(session: Session, purpose: Purpose) -> int:
    return int(
        await session.value(
            "INSERT INTO purpose (id, name, controller, class)"
            " SELECT coalesce(max(id), 0) + 1, %s, %s, %s FROM purpose RETURNING id",
            (purpose.id, purpose.controller, purpose.class_.value),
        )
    )


async def _make_room(session: Session, number: int) -> None:
    # Attaching takes a weaker lock than CREATE TABLE ... PARTITION OF: checks go on meanwhile.
    await session.execute(f"CREATE TABLE gate_state_{number:d} (LIKE gate_state INCLUDING ALL)")
    await session.execute(
        f"ALTER TABLE gate_state ATTACH PARTITION gate_state_{number:d} FOR VALUES IN ({number:d})"
    )
