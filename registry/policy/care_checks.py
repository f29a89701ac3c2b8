"""What a purpose owes besides where data are delicate, people are young, or a device is followed. Pure."""

from collections.abc import Iterator

from registry.policy.documents import KeyPath, nearest
from registry.policy.model import Basis, PolicySet, Purpose, PurposeClass

# GDPR art. 9(2)(a) to (j), by the words that a policy names them with.
SPECIAL_CONDITIONS = {
    "explicit_consent": "a",
    "employment_and_social_law": "b",
    "vital_interests": "c",
    "non_profit_body": "d",
    "made_public": "e",
    "legal_claims": "f",
    "substantial_public_interest": "g",
    "health_or_social_care": "h",
    "public_health": "i",
    "archiving_and_research": "j",
}

_Said = tuple[KeyPath, str, str]


def findings(policies: PolicySet, purpose: Purpose) -> Iterator[_Said]:
    """What is missing, with the key and the mend."""
    yield from _special(policies, purpose)
    yield from _children(purpose)
    yield from _devices(policies, purpose)


def _special(policies: PolicySet, purpose: Purpose) -> Iterator[_Said]:
    """Data of art. 9(1) need a condition of art. 9(2) besides the basis."""
    condition = purpose.special_condition
    if condition is not None and condition not in SPECIAL_CONDITIONS:
        meant = nearest(condition, tuple(SPECIAL_CONDITIONS))
        mend = f"did you mean `{meant}`?" if meant else f"one of {', '.join(SPECIAL_CONDITIONS)}"
        yield ("special_condition",), f"`{condition}` is no condition of GDPR art. 9(2)", mend
    delicate = sorted(
        name
        for name, field in policies.fields.items()
        if field.sensitivity == "special" and (purpose.id in field.purposes or name in purpose.data_kinds)
    )
    if delicate and condition is None:
        text = f"{', '.join(delicate)}: special categories of data without a condition (GDPR art. 9(2))"
        yield ("data_kinds",), text, "name it in `special_condition`, or do not use them"
    if delicate and condition == "explicit_consent" and purpose.basis is not Basis.CONSENT:
        text = f"explicit consent to the use of {', '.join(delicate)}, and a basis that is not consent"
        yield ("special_condition",), text, 'basis = "consent", or another condition'


def _children(purpose: Purpose) -> Iterator[_Said]:
    if not purpose.offered_to_children:
        return
    if purpose.basis is not Basis.CONSENT:
        text = f"art. 8 asks about consent, and this rests on {purpose.basis}: the key would protect nobody"
        yield ("offered_to_children",), text, 'basis = "consent", or do not offer it to children'
    if purpose.automated_decisions:
        text = "decisions by a program alone are not for children (GDPR recital 71)"
        yield ("automated_decisions",), text, "let somebody decide, or do not offer it to children"


def _devices(policies: PolicySet, purpose: Purpose) -> Iterator[_Said]:
    """A device is not a person: it has no address, confirms nothing, and is read only by consent."""
    if purpose.subject != "device":
        return
    reached = [
        name
        for name in purpose.channels
        if name in policies.channels and policies.channels[name].address != "none"
    ]
    if reached:
        text = f"a device has no address, and {', '.join(reached)} needs one"
        yield ("channels",), text, 'a channel with address = "none", such as process'
    if purpose.double_opt_in:
        text = "a device cannot confirm: nothing can be sent to it"
        yield ("double_opt_in",), text, "take it out"
    if purpose.offered_to_children:
        text = "the age of whoever uses a device is not known, nor who is their parent (GDPR art. 8)"
        yield ("offered_to_children",), text, 'subject = "contact", or take it out'
    if purpose.basis is not Basis.CONSENT and purpose.class_ is not PurposeClass.REQUESTED:
        text = (
            "to read or write on a device takes consent, whatever the basis (Directive 2002/58/EC art. 5(3))"
        )
        yield ("basis",), text, 'basis = "consent"; class = "requested" where the person asked for it'
