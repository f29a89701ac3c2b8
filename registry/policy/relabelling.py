"""The same purpose under another basis or name: whoever withdrew or objected would find their "no" gone. Pure.

GDPR art. 7(3), 21(3); LP-18, LP-33.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from registry.policy.documents import Finding, KeyPath
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

    def without(self, earlier: Iterable["Told"]) -> "Told":
        """What of it none of these told."""
        these = list(earlier)
        return replace(
            self,
            titles=self.titles.difference(*(one.titles for one in these)),
            aims=self.aims.difference(*(one.aims for one in these)),
        )


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


# Letters that show nothing (Unicode calls them default ignorable); all other invisible characters are no letters.
_BLANK = "\u115f\u1160"


def plain(text: str) -> str:
    """A text by which two that differ in case, spacing, accents, marks and what nobody can see alone are the same."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in folded if letter.isalnum() and letter not in _BLANK)


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


def relabelled(
    policies: PolicySet, known: Sequence[Told], entities: Mapping[str, str], recorded: Sequence[Told] = ()
) -> Iterator[Finding]:
    """Purposes of these policies that rest on something else than consent, and tell what another one tells or told.

    `known` are purposes of this folder, or all that were ever recorded; `entities` which controllers are one legal
    entity, for a "no" was said to it and not to the name of a file. What a purpose was `recorded` as telling already
    stays its own, unless consent was asked for the same: to take it away now would bring back nobody's "no". A purpose
    on consent takes nothing over: it reaches only whoever agrees to it anew.
    """
    for purpose in policies.purposes.values():
        if purpose.basis is Basis.CONSENT:
            continue
        this = told(purpose, policies.notices.get(purpose.id, ()))
        fresh = this.without(one for one in recorded if one.purpose == purpose.id)
        for one in known:
            asked = one.basis == Basis.CONSENT.value
            if not asked and one.basis not in _OBJECTED_TO:
                continue  # nobody could say no to it
            if (what := same_aim(this if asked else fresh, one, entities)) is not None:
                said = (
                    _asked(this, one, what)
                    if asked
                    else _renamed(one, what, one.purpose in policies.purposes)
                )
                yield Finding(f"purposes/{purpose.id}/policy.toml", *said)
                break


# GDPR art. 21(1).
_OBJECTED_TO = frozenset({Basis.LEGITIMATE_INTERESTS.value, Basis.PUBLIC_TASK.value})
_Said = tuple[KeyPath, str, str]


def _asked(this: Told, one: Told, what: str) -> _Said:
    text = (
        f"tells people the same {what} as {one.purpose}, for which their consent was asked, and rests on"
        f" {this.basis}: whoever withdrew would be reached again (GDPR art. 6, 7(3))"
    )
    return ("basis",), text, "rest it on consent, or say how it differs, in title and notice"


def _renamed(one: Told, what: str, live: bool) -> _Said:
    text = (
        f"tells people the same {what} as {one.purpose}: whoever objected to that one would be reached again under"
        " another name (GDPR art. 21(3))"
    )
    if live:  # its id is taken
        return ("title",), text, "give each a title of its own, and say in its notice how it differs"
    return ("title",), text, f"keep the id {one.purpose}, or say how it differs, in title and notice"


def findings(policies: PolicySet) -> Iterator[Finding]:
    """One aim on two bases in one folder, or twice on the same."""
    known = [told(p, policies.notices.get(p.id, ())) for p in policies.purposes.values()]
    entities = one_entity((name, one.name) for name, one in policies.controllers.items())
    yield from relabelled(policies, known, entities)
