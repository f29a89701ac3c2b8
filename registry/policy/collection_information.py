"""What a person must be told when data are collected from them (GDPR art. 13(1) and (2); LP-46). Pure."""

from collections.abc import Iterator

from registry.policy.collection import CollectionPoint, PointText
from registry.policy.documents import KeyPath, nearest
from registry.policy.model import EEA, Basis, PolicySet, Purpose
from registry.policy.notice_checks import sections_of, tells

# Every item of art. 13(1) and (2), by the name that a text gives it under [parts].
ITEMS = {
    "controller": "who the controller is and how to reach it (art. 13(1)(a))",
    "dpo": "how to reach the data protection officer (art. 13(1)(b))",
    "purposes": "the purposes (art. 13(1)(c))",
    "basis": "the legal basis (art. 13(1)(c))",
    "interests": "the legitimate interests (art. 13(1)(d))",
    "recipients": "who receives the data (art. 13(1)(e))",
    "transfers": "transfers to third countries and their safeguards (art. 13(1)(f))",
    "retention": "how long the data are kept (art. 13(2)(a))",
    "rights": "the rights of access, rectification, erasure, restriction and portability (art. 13(2)(b))",
    "objection": "the right to object, apart from all else (art. 13(2)(b), 21(4))",
    "withdrawal": "the right to withdraw consent at any time (art. 13(2)(c))",
    "complaint": "the right to complain to a supervisory authority (art. 13(2)(d))",
    "obligation": "whether the data must be given, and what follows if they are not (art. 13(2)(e))",
    "automated": "automated decisions, their logic and consequences (art. 13(2)(f))",
}
_ARTICLE = {"controller": "art. 13(1)(a)", "dpo": "art. 13(1)(b)", "recipients": "art. 13(1)(e)"}
_ALWAYS = (
    *("controller", "purposes", "basis", "recipients", "retention"),
    *("rights", "complaint", "obligation"),
)

Said = tuple[KeyPath, str, str]


def required(policies: PolicySet, point: CollectionPoint) -> tuple[str, ...]:
    """The items that this form must tell, in the article's order; some only where they apply."""
    purposes = [policies.purposes[name] for name in point.purposes if name in policies.purposes]
    controller = policies.controllers.get(point.controller)
    needed = set(_ALWAYS)
    if controller and controller.dpo:
        needed.add("dpo")
    if any(purpose.basis is Basis.LEGITIMATE_INTERESTS for purpose in purposes):
        needed.add("interests")
    if any(purpose.basis in (Basis.LEGITIMATE_INTERESTS, Basis.PUBLIC_TASK) for purpose in purposes):
        needed.add("objection")
    if any(purpose.basis is Basis.CONSENT for purpose in purposes):
        needed.add("withdrawal")
    if _countries(policies, purposes) - EEA:
        needed.add("transfers")
    if any(purpose.automated_decisions for purpose in purposes):
        needed.add("automated")
    return tuple(item for item in ITEMS if item in needed)


def _countries(policies: PolicySet, purposes: list[Purpose]) -> set[str]:
    names = {name for purpose in purposes for name in purpose.recipients}
    return {policies.recipients[name].country for name in names if name in policies.recipients}


def findings(policies: PolicySet, point: CollectionPoint, text: PointText) -> Iterator[Said]:
    """What the information in one language leaves out; each item has a section of its own."""
    sections = sections_of(text.body)
    needed = required(policies, point)
    for item in needed:
        heading = text.parts.get(item)
        if heading is None or not tells(sections.get(heading, "")):
            said = f"the text does not tell {ITEMS[item]}"
            yield ("parts", item), said, f"write a section on it and name its heading as {item} under [parts]"
    of_heading: dict[str, str] = {}
    for item, heading in text.parts.items():
        if item not in ITEMS:
            meant = nearest(item, tuple(ITEMS))
            mend = f"did you mean `{meant}`?" if meant else f"known: {', '.join(ITEMS)}"
            yield ("parts", item), f"unknown item `{item}`", mend
            continue
        if item not in needed and not sections.get(heading, ""):
            yield ("parts", item), f"no section has the heading of `{item}`", "write it, or take the item out"
        if (other := of_heading.setdefault(heading, item)) != item:
            # One section for two items would hide that one of them is missing.
            said = f"`{item}` and `{other}` are told under one heading"
            yield ("parts", item), said, "give each a section of its own"
    yield from _named(policies, point, text, sections)


def _named(
    policies: PolicySet, point: CollectionPoint, text: PointText, sections: dict[str, str]
) -> Iterator[Said]:
    """Who must be called by name: the controller, its officer, and whoever else relies on what is given here."""
    controller = policies.controllers.get(point.controller)
    if controller is None:
        return
    expected = [("controller", name) for name in (controller.name, controller.address, controller.contact)]
    if controller.dpo:
        expected.append(("dpo", controller.dpo))
    for name in point.purposes:
        purpose = policies.purposes.get(name)
        for recipient in purpose.recipients if purpose else ():
            # A category will do for a processor; a controller who is not named got no consent (art. 4(11)).
            if (known := policies.recipients.get(recipient)) is not None and known.role == "controller":
                expected.append(("recipients", known.name))
    for item, wanted in dict.fromkeys(expected):
        section = sections.get(text.parts.get(item, ""), "")
        if section and wanted not in section:
            yield (
                ("parts", item),
                f"the text does not name {wanted} ({_ARTICLE[item]})",
                "name it in that section",
            )
