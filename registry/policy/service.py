"""Puts policies into force: versions and notices recorded for good, numbers for names, room in the gate's table."""

import json
from dataclasses import dataclass, field
from hashlib import sha256

import rfc8785

from registry.audit import entries
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.policy import (
    collection_record,
    entities,
    in_force,
    lapsed,
    numbers,
    partners,
    relabelling,
    versions,
)
from registry.policy.in_force import Bundle
from registry.policy.model import Basis, PolicySet, Purpose

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
    "inactive_after_days",
    "gpc",
    "special_condition",
    "grounds",
    "automated_decisions",
}


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
    points: list[str] = field(default_factory=list)
    # Other files than before are in force.
    replaced: bool = False

    @property
    def changed(self) -> bool:
        named = (self.versions, self.notices, self.points, self.new_purposes, self.retired, self.channels)
        return self.replaced or any(named)


async def lock(session: Session) -> None:
    """Be the only one who installs, until the end of the transaction."""
    await session.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


async def install(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    *,
    author: str,
    reason: str,
    bundle: Bundle | None = None,
) -> Installed:
    """Record what is new in `policies`, in the owner's transaction; doing it again changes nothing.

    With their files (`bundle`) they are put in force: every start reads them from the database from then on.

    Refused `notice.fixed`: a text changed under a version that was recorded. Refused `purpose.fixed`: another
    controller, class or basis under the name of a known purpose, for a "yes" or a "no" given to the old one
    would then answer for the new one (GDPR art. 4(11), 7(3), 21(3)). Refused `purpose.relabelled`: the same under
    a new name. Refused `notice.lapsed`: see `lapsed.refuse_revived`. Refused `notice.partner_added`: see
    `partners.refuse_added`.
    """
    await lock(session)
    done = Installed(policies)
    in_place = await in_force.current(session)
    # The set that is in force stays so: what this release would refuse of it was allowed when it came.
    if in_place is None or bundle is None or in_place.hash != bundle.hash:
        await _refuse_relabelling(session, policies)
        await _refuse_same_aim(session, policies)
        await lapsed.refuse_revived(session, policies)
        await partners.refuse_added(session, policies)
    await _record_notices(session, policies, done)
    await _record_versions(session, policies, author, reason, done)
    done.points = await collection_record.record(session, policies, author=author, reason=reason)
    done.channels = await numbers.number_channels(session, policies)
    await numbers.number_zones(session, policies)
    done.new_purposes, done.retired = await numbers.number_purposes(session, policies)
    ids = await numbers.load_ids(session)
    done.policies = policies.numbered(ids.purposes, ids.channels, ids.zones)
    if bundle is not None:
        before = await in_force.number(session)
        number = await in_force.record(session, bundle, author=author, reason=reason)
        done.policies = done.policies.model_copy(update={"number": number})
        done.replaced = number != before
    done.unfilled = await unfilled(session, policies)
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
                "points": done.points,
                "new": done.new_purposes,
                "retired": done.retired,
                "channels": done.channels,
                "set": done.policies.number,
            },
        )
    return done


async def unfilled(session: Session, policies: PolicySet) -> list[str]:
    """Purposes whose rows in the gate's table were not written, for everybody, from these policies."""
    known = await session.all("SELECT name, filled_from FROM purpose WHERE retired_at IS NULL ORDER BY id")
    return [
        row.name
        for row in known
        if row.name in policies.purposes
        and row.filled_from != rows_follow_from(policies, policies.purposes[row.name])
    ]


async def mark_filled(session: Session, policies: PolicySet) -> None:
    """Say, as the owner, that the gate's rows of every purpose were written from these policies."""
    for name, purpose in policies.purposes.items():
        await session.execute(
            "UPDATE purpose SET filled_from = %s WHERE name = %s", (rows_follow_from(policies, purpose), name)
        )


def rows_follow_from(policies: PolicySet, purpose: Purpose) -> str:
    """A hash of what of a policy the gate's rows follow from; what is only compared or shown is left out."""
    test = policies.balancing.get(purpose.balancing or "")
    said = {
        "purpose": purpose.model_dump(mode="json", by_alias=True, exclude=_NOT_IN_ROWS),
        "channels": {name: policies.channels[name].address for name in purpose.channels},
        "ages": versions.ages_of(policies, purpose),
        # A list that the policy does not know stops everything: so each of them matters, to every purpose.
        "lists": {
            name: [sorted(one.channels), sorted(one.controllers)] for name, one in policies.lists.items()
        },
        "caps": [cap.model_dump(mode="json") for cap in versions.caps_of(policies, purpose)],
        "zones": policies.schedule.zones,
        "balanced": str(test.ends_at) if test and purpose.basis is Basis.LEGITIMATE_INTERESTS else None,
    }
    return sha256(rfc8785.dumps(said)).hexdigest()[:32]


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
                    mend="give the changed purpose a name, a title and an aim of its own",
                )


async def _refuse_same_aim(session: Session, policies: PolicySet) -> None:
    """Refuse under another name, too, what `_refuse_relabelling` refuses under the same one."""
    texts: dict[tuple[str, int, str], str] = {
        (row.purpose, row.version, row.locale): row.body
        for row in await session.all("SELECT purpose, version, locale, body FROM notice")
    }
    known = []
    for row in await session.all("SELECT purpose, body FROM policy_version"):
        purpose, notices = row.body["purpose"], row.body["notices"]
        aims = (
            relabelling.aim_of(texts.get((row.purpose, one["version"], one["locale"]), ""), one["parts"])
            for one in notices
        )
        known.append(
            relabelling.Told(
                row.purpose,
                purpose["controller"],
                purpose["basis"],
                frozenset(map(relabelling.plain, purpose["title"].values())),
                frozenset(relabelling.plain(aim) for aim in aims if aim),
            )
        )
    named = [(name, one.name) for name, one in policies.controllers.items()]
    whose = entities.one_entity([*await entities.recorded(session), *named])
    for found in relabelling.relabelled(policies, known, whose, known):
        raise Refused("purpose.relabelled", f"{found.text}.", field=found.file, mend=found.mend)


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
            (name, purpose.version, json.dumps(versions.body(policies, name)), author, reason),
        )
        if row is not None:
            done.versions[name] = purpose.version
