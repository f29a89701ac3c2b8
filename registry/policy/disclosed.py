"""What the policies in force at an earlier time told about recipients, terms of storage and who answers."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from registry.kit.database import Session
from registry.policy.model import ContactField, Controller, PolicySet, Recipient, Retention, RetentionClass
from registry.policy.words import Model

_M = TypeVar("_M", bound=Model)
# What an entry was made under is the set in force, or the one before it where the two met.
_SETS = 2


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What a set of policies says about them. `hash` is the set's, None for what is told as it is now."""

    controllers: Mapping[str, Controller]
    recipients: Mapping[str, Recipient]
    retention: Mapping[RetentionClass, Retention]
    fields: Mapping[str, ContactField]
    hash: str | None = None


def as_now(policies: PolicySet) -> Disclosed:
    """What the policies that are in use say."""
    return Disclosed(policies.controllers, policies.recipients, policies.retention, policies.fields)


async def on_record(
    session: Session, at: datetime, controller: str, purpose: Mapping[str, Any] | None
) -> Disclosed | None:
    """What the set in force at `at` says, None where none was kept or this release cannot read it.

    `purpose` is the recorded version of a purpose, None for a "no" to all of them: a set that lists other recipients
    or kinds of data for it is not the one by which that version was made.
    """
    for row in await session.all(
        "SELECT hash, files FROM policy_set WHERE recorded_at <= %s ORDER BY number DESC LIMIT %s",
        (at, _SETS),
    ):
        try:
            if purpose is None or _made_by(row.files, purpose):
                return _read(row.files, controller, row.hash)
        except (KeyError, TypeError, tomllib.TOMLDecodeError, ValidationError):
            return None
    return None


def _made_by(files: Mapping[str, str], purpose: Mapping[str, Any]) -> bool:
    text = files.get(f"purposes/{purpose['id']}/policy.toml")
    if text is None:
        return False
    said = tomllib.loads(text)
    return all(said.get(key, []) == purpose.get(key, []) for key in ("recipients", "data_kinds"))


def _read(files: Mapping[str, str], controller: str, hash_: str) -> Disclosed:
    own = files.get(f"controllers/{controller}.toml")
    return Disclosed(
        {}
        if own is None
        else {controller: Controller.model_validate({**tomllib.loads(own), "id": controller})},
        _table(Recipient, files["recipients.toml"]),
        {RetentionClass(name): one for name, one in _table(Retention, files["retention.toml"]).items()},
        _table(ContactField, files["fields.toml"]),
        hash_,
    )


def _table(model: type[_M], text: str) -> dict[str, _M]:
    return {
        name: model.model_validate({**values, "id": name}) for name, values in tomllib.loads(text).items()
    }
