"""The same purpose under another basis: whoever withdrew would find their "no" gone (GDPR art. 7(3); LP-18). Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from registry.policy.documents import Finding
from registry.policy.entities import one_entity
from registry.policy.model import Basis, Notice, PolicySet, Purpose
from registry.policy.notice_checks import sections_of


@dataclass(frozen=True, slots=True)
class Told:
    """What people were told a purpose is: by whom, under which titles, in which words, on which basis."""

    purpose: str
    controller: str
    basis: str
    titles: frozenset[str]
    # The sections of its notices that tell what for, in any language and version.
    aims: frozenset[str]


def told(purpose: Purpose, notices: Iterable[Notice]) -> Told:
    """What a policy tells."""
    aims = (aim_of(notice.body, notice.parts) for notice in notices)
    return Told(
        purpose.id,
        purpose.controller,
        purpose.basis.value,
        frozenset(map(plain, purpose.title.values())),
        frozenset(plain(aim) for aim in aims if aim),
    )


def aim_of(text: str, parts: Mapping[str, str]) -> str:
    """The section of a notice that tells what for; empty where it has none."""
    return sections_of(text).get(parts.get("purpose", ""), "")


def plain(text: str) -> str:
    """A text by which two that differ in case, spacing and marks alone are the same."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text.casefold()).split())


def same_aim(one: Told, other: Told, entities: Mapping[str, str]) -> str | None:
    """In what two purposes of one legal entity tell people the same; None when they do not.

    `entities` says by which id each controller is known (`entities.one_entity`); one that it leaves out is itself.
    """
    whose, others = (entities.get(told.controller, told.controller) for told in (one, other))
    if one.purpose == other.purpose or whose != others:
        return None
    if one.titles & other.titles:
        return "title"
    return "aim" if one.aims & other.aims else None


def relabelled(policies: PolicySet, known: Iterable[Told], entities: Mapping[str, str]) -> Iterator[Finding]:
    """Purposes of these policies that rest on something else than consent, and tell what a consent was asked for.

    `known` are purposes that consent was asked for: of this folder, and all that were ever recorded; `entities` which
    controllers are one legal entity, for a "no" was said to it and not to the name of a file.
    """
    asked = [one for one in known if one.basis == Basis.CONSENT.value]
    for purpose in policies.purposes.values():
        if purpose.basis is Basis.CONSENT:
            continue
        this = told(purpose, policies.notices.get(purpose.id, ()))
        for one in asked:
            if (what := same_aim(this, one, entities)) is not None:
                text = (
                    f"tells people the same {what} as {one.purpose}, for which their consent was asked, and rests on"
                    f" {purpose.basis}: whoever withdrew would be reached again (GDPR art. 6, 7(3))"
                )
                mend = "rest it on consent, or say how it differs, in title and notice"
                yield Finding(f"purposes/{purpose.id}/policy.toml", ("basis",), text, mend)
                break


def findings(policies: PolicySet) -> Iterator[Finding]:
    """One aim on two bases in one folder."""
    known = [told(p, policies.notices.get(p.id, ())) for p in policies.purposes.values()]
    entities = one_entity((name, one.name) for name, one in policies.controllers.items())
    yield from relabelled(policies, known, entities)
