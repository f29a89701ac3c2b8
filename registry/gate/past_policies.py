"""The policies as they were on record at an earlier time: the set that was in force, or the purpose's own version."""

import asyncio
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.policy import numbers
from registry.policy.ages import AgeRule
from registry.policy.balancing import BalancingTest
from registry.policy.documents import PolicyInvalid
from registry.policy.in_force import Bundle
from registry.policy.lists import AddressList
from registry.policy.model import Channel, Controller, EprivacyRule, PolicySet, Purpose
from registry.policy.schedule import Schedule

# Sets by their hash: what was in force once says the same for ever.
_LOADED: dict[str, PolicySet] = {}
_KEPT = 8


class PolicyUnreadable(Refused):
    """The policy of then was written for another release, and what it would have said is not guessed."""

    def __init__(self) -> None:
        super().__init__(
            "policy.unreadable",
            "The policy of that time cannot be read by this release.",
            field="known_at",
            mend="ask as known at a later time; the decisions of then are kept as they were",
        )


async def as_of(session: Session, now: PolicySet, purpose: str, known_at: datetime) -> PolicySet:
    """The policies by which a question about `purpose` is answered as of `known_at`.

    The whole set where it was recorded. Before that, what the recorded version of the purpose says; without one, a
    set that does not know the purpose. PolicyUnreadable where this release cannot read it. The rules themselves are
    those of this release.
    """
    row = await session.first(
        "SELECT number, hash, files, origin FROM policy_set WHERE recorded_at <= %s ORDER BY number DESC LIMIT 1",
        (known_at,),
    )
    if row is None:
        return await _by_version(session, now, purpose, known_at)
    if row.number == now.number:
        return now
    loaded = _LOADED.get(row.hash)
    if loaded is None:
        try:
            loaded = await asyncio.to_thread(Bundle(row.files, row.origin).loaded)
        except PolicyInvalid:
            return await _by_version(session, now, purpose, known_at)
        if len(_LOADED) >= _KEPT:
            _LOADED.clear()
        _LOADED[row.hash] = loaded
    return await _numbered(session, loaded)


async def _by_version(session: Session, now: PolicySet, purpose: str, known_at: datetime) -> PolicySet:
    row = await session.first(
        "SELECT version, body FROM policy_version WHERE purpose = %s AND recorded_at <= %s"
        " ORDER BY recorded_at DESC LIMIT 1",
        (purpose, known_at),
    )
    if row is None:
        return now.model_copy(update={"purposes": {}})
    if purpose in now.purposes and now.purposes[purpose].version == row.version:
        return now
    try:
        rebuilt = rebuild(row.body, row.version, now)
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise PolicyUnreadable from error
    return await _numbered(session, rebuilt)


def rebuild(body: dict[str, Any], version: str, now: PolicySet) -> PolicySet:
    """One purpose with all that a decision about it depends on, from what its version is the hash of.

    What the first release did not write into a version (channels, ages, lists, hours) is taken as it is now.
    """
    purpose = Purpose.model_validate({**body["purpose"], "version": version})
    changes: dict[str, Any] = {"purposes": {purpose.id: purpose}, "number": 0}
    if body.get("controller"):
        controller = Controller.model_validate(body["controller"])
        changes["controllers"] = {**now.controllers, controller.id: controller}
    changes["eprivacy"] = tuple(EprivacyRule.model_validate(one) for one in body["eprivacy"])
    if "channels" in body:
        told = {name: Channel.model_validate(one) for name, one in body["channels"].items()}
        changes["channels"] = {**now.channels, **told}
    if "ages" in body:
        changes["ages"] = tuple(AgeRule.model_validate(one) for one in body["ages"])
    if "lists" in body:
        changes["lists"] = {name: AddressList.model_validate(one) for name, one in body["lists"].items()}
    if "schedule" in body:
        zones = body["schedule"].get("zones") or now.schedule.zones
        changes["schedule"] = Schedule.model_validate({**body["schedule"], "zones": zones})
    if body.get("balancing"):
        test = BalancingTest.model_validate(body["balancing"])
        changes["balancing"] = {test.id: test}
    return now.model_copy(update=changes)


async def _numbered(session: Session, policies: PolicySet) -> PolicySet:
    """With this database's numbers, also for a purpose that was retired since: its number is never given again."""
    ids = await numbers.load_ids(session)
    retired = {
        row.name: row.id
        for row in await session.all("SELECT name, id FROM purpose WHERE retired_at IS NOT NULL")
    }
    return policies.numbered({**retired, **ids.purposes}, ids.channels, ids.zones)
