"""Which controllers are one legal entity, whatever their files are called (GDPR art. 4(7); LP-18)."""

import tomllib
import unicodedata
from collections.abc import Iterable, Iterator

from registry.kit.database import Session
from registry.policy.documents import Finding
from registry.policy.model import PolicySet


def legal_name(name: str) -> str:
    """A name by which two that differ in case, accents, marks, spacing and the order of words alone are the same."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    words = ("".join(letter for letter in word if letter.isalnum()) for word in folded.split())
    return "".join(sorted(words))


def one_entity(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For the id of each controller the id that its legal entity is known by.

    `named` are all ids and names that ever stood together: an entity that changed its name is still itself, and so
    is one whose file was called something else.
    """
    known: dict[str, str] = {}
    bearer: dict[str, str] = {}
    for controller, name in named:
        known.setdefault(controller, controller)
        plain = legal_name(name)
        if not plain:
            continue
        before, first = known[controller], known[bearer.setdefault(plain, controller)]
        known.update({other: first for other, whose in known.items() if whose == before})
    return known


def findings(policies: PolicySet) -> Iterator[Finding]:
    """Two files for one legal entity: what is refused to the one would go on under the other."""
    bearer: dict[str, str] = {}
    for controller, one in sorted(policies.controllers.items()):
        first = bearer.setdefault(legal_name(one.name), controller)
        if first != controller:
            text = (
                f"{controller} is {one.name}, and so is {first}: one legal entity, one file (GDPR art. 4(7))"
            )
            mend = f"use {first}; of two that share a name, tell each by its country or number in `name`"
            yield Finding(f"controllers/{controller}.toml", ("name",), text, mend)


async def recorded(session: Session) -> list[tuple[str, str]]:
    """Id and legal name of every controller that ever was in force, with purposes or without."""
    found = await session.all(
        "SELECT DISTINCT body->'controller'->>'id' AS id, body->'controller'->>'name' AS name"
        " FROM policy_version WHERE body->'controller'->>'name' IS NOT NULL"
    )
    files = await session.all(
        "SELECT DISTINCT file.key AS file, file.value AS text FROM policy_set, jsonb_each_text(files) AS file"
        " WHERE file.key ~ '^controllers/[^/]+[.]toml$'"
    )
    named = {(row.id, row.name) for row in found}
    for row in files:
        name = tomllib.loads(row.text).get("name")
        if isinstance(name, str):
            named.add((row.file.removeprefix("controllers/").removesuffix(".toml"), name))
    return sorted(named)
