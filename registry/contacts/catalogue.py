"""The fields that may be stored about a person: those that the catalogue declares, sealed unless it says otherwise."""

import re
from collections.abc import Iterable, Mapping
from uuid import UUID

from registry.contacts import coming_of_age
from registry.keys.columns import FIELD_VALUE
from registry.keys.persons import PersonKeys
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.policy.model import PolicySet

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def check_fields(policies: PolicySet, fields: Mapping[str, str]) -> None:
    """Refuse a field that the catalogue does not declare, naming it (GDPR art. 5(1)(c))."""
    for name, value in fields.items():
        declared = policies.fields.get(name)
        if declared is None:
            # Only what can be a field's name is repeated: anything else may be somebody's data in the wrong place.
            shown = name if _NAME.fullmatch(name) else "..."
            raise Misuse(
                "field.undeclared",
                f"The field {shown!r} is not in the catalogue.",
                field=f"fields.{shown}",
                mend="declare it in fields.toml with purposes, sensitivity and retention, or leave it out",
            )
        if len(value) > declared.max_length:
            raise Misuse(
                "field.too_long",
                f"The field {name!r} takes at most {declared.max_length} characters.",
                field=f"fields.{name}",
            )
        if name == coming_of_age.BIRTH_DATE and value:
            _check_birth_date(value)


def _check_birth_date(text: str) -> None:
    try:
        coming_of_age.read(text, clock.now().date())
    except ValueError:
        raise Misuse(
            "field.date_invalid",
            "That is no date of birth.",
            field=f"fields.{coming_of_age.BIRTH_DATE}",
            mend="write year, month and day as 2012-05-31",
        ) from None


async def write_fields(
    session: Session,
    policies: PolicySet,
    keys: Mapping[UUID, PersonKeys],
    values: Iterable[tuple[UUID, Mapping[str, str], str]],
) -> None:
    """Store fields, sealed unless the catalogue lets them be segmented on; a later value replaces an earlier.

    A date of birth tells when the person comes of age for consent (GDPR art. 8). Who changes the country of a known
    person has `coming_of_age.follow` called as well: it follows from both.
    """
    rows = []
    born: set[UUID] = set()
    for contact_id, fields, source in values:
        if fields.get(coming_of_age.BIRTH_DATE):
            born.add(contact_id)
        for name, text in fields.items():
            if not text:
                continue
            plain = policies.fields[name].segmentable
            sealed = None if plain else keys[contact_id].seal(FIELD_VALUE, text.encode())
            rows.append((contact_id, name, sealed, text if plain else None, source))
    fresh = [row for row in rows if row[0] in session.fresh]
    await session.copy("contact_field", ("contact_id", "field", "value", "plain", "source"), fresh)
    known = [row for row in rows if row[0] not in session.fresh]
    if known:
        await session.many(
            "INSERT INTO contact_field (contact_id, field, value, plain, source) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (contact_id, field) DO UPDATE SET value = excluded.value, plain = excluded.plain,"
            " source = excluded.source, recorded_at = clock_timestamp()",
            known,
        )
    await coming_of_age.follow(session, policies, keys, born)
