"""What a link is about, also where its purpose is in force no more: taking back works by every link that we made.

A purpose that was retired may be put in force again, and then whoever was told that they are unsubscribed must be.
Its number, its controller and what it was called are kept for good.
"""

from typing import Any

from registry.kit.database import Session
from registry.kit.errors import Unavailable
from registry.policy.model import Controller, PolicySet, Purpose


class PurposeUnread(Unavailable):
    """Another process may know the purpose, or this one after it has read the policies anew: nobody is told "done"."""

    def __init__(self) -> None:
        super().__init__(
            "purpose.unread",
            "This process does not know the purpose of the link.",
            mend="try again in a moment",
        )


# A live purpose that the policies do not have is newer than they are, and is for a process that has read it.
_RETIRED = (
    'SELECT p.name, p.controller, p.class AS "class_", v.version, v.body FROM purpose p CROSS JOIN LATERAL ('
    "SELECT version, body FROM policy_version WHERE purpose = p.name ORDER BY recorded_at DESC LIMIT 1) AS v"
    " WHERE p.id = %s AND p.retired_at IS NOT NULL"
)


def is_known(policies: PolicySet, number: int) -> bool:
    """Whether the purpose of that number is in force by these policies."""
    return any(one == number and name in policies.purposes for name, one in policies.purpose_ids.items())


async def policies_for(session: Session, policies: PolicySet, number: int) -> PolicySet:
    """The policies, with the purpose of that number as it was recorded last where it was retired.

    For taking back, and for the words on a page: nobody is written to by them, and the gate has no room for that
    purpose. Raises PurposeUnread for a number of no purpose, or of one that these policies do not have yet.
    """
    if is_known(policies, number):
        return policies
    row = await session.first(_RETIRED, (number,))
    if row is None:
        raise PurposeUnread
    purpose = _purpose(row)
    known = with_controller(policies, policies.controllers.get(row.controller) or _controller(row))
    return known.model_copy(
        update={
            "purposes": {**known.purposes, purpose.id: purpose},
            "purpose_ids": {**known.purpose_ids, purpose.id: number},
        }
    )


def with_controller(policies: PolicySet, controller: Controller) -> PolicySet:
    """The policies, with a controller who may be gone from them."""
    if controller.id in policies.controllers:
        return policies
    return policies.model_copy(update={"controllers": {**policies.controllers, controller.id: controller}})


def _purpose(row: Any) -> Purpose:
    # Only what a "no" and a page take: a key that a later release knows no more must not lose the "no".
    told = row.body["purpose"]
    kept = {name: told[name] for name in ("title", "basis", "channels", "default_locale") if name in told}
    of_row = {"id": row.name, "controller": row.controller, "class": row.class_, "version": row.version}
    return Purpose.model_validate({**kept, **of_row})


def _controller(row: Any) -> Controller:
    told = row.body["controller"]
    kept = {name: value for name, value in told.items() if name in Controller.model_fields}
    return Controller.model_validate({**kept, "id": row.controller})
