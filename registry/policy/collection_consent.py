"""When a control asks for consent that the law would not count (GDPR art. 4(11), 7, 25(2)). Pure."""

from collections.abc import Iterator

from registry.policy.collection import CollectionPoint, Control, ControlKind
from registry.policy.documents import KeyPath
from registry.policy.model import Basis, ChannelGround, PolicySet, Purpose

Said = tuple[KeyPath, str, str]

_CHOOSING = (ControlKind.RADIO, ControlKind.SELECT)
# From the least plain to the plainest.
STANDING_OUT = ("link", "secondary", "primary")


def findings(policies: PolicySet, point: CollectionPoint) -> Iterator[Said]:
    """What is wrong with each control that asks; a path is the control's own key in the form's file."""
    for place, control in enumerate(point.controls):
        if control.asks:
            for key, text, mend in _asking(policies, point, control):
                yield ("control", place, *key), f"`{control.id}`: {text}", mend


def _asking(policies: PolicySet, point: CollectionPoint, control: Control) -> Iterator[Said]:
    if control.kind in (ControlKind.TEXT, ControlKind.EMAIL, ControlKind.PHONE):
        text = "leaving data is no consent to a purpose (GDPR art. 4(11))"
        yield ("kind",), text, "ask with a checkbox, a choice or two buttons"
    if control.default is not False:
        text = "consent that is on by default (GDPR art. 4(11), 25(2); C-673/17, C-61/19)"
        yield ("default",), text, "take `default` out: the person does the first act"
    if control.accepts:
        text = f"it accepts {', '.join(control.accepts)} as well, so it is no consent (GDPR art. 7(2))"
        yield ("accepts",), text, "give that a control of its own"
    if control.required:
        text = "consent that is required to go on is not freely given (GDPR art. 7(4))"
        yield ("required",), text, "take `required` out"
    known = [policies.purposes[name] for name in control.purposes if name in policies.purposes]
    controllers = sorted({purpose.controller for purpose in known})
    if len(controllers) > 1:
        text = f"one act for two controllers, {' and '.join(controllers)} (GDPR art. 4(11): specific)"
        yield ("purposes",), text, "a form and a control for each controller"
    elif len(control.purposes) > 1:
        text = f"one act for {len(control.purposes)} purposes (GDPR art. 4(11): specific; recital 43)"
        yield ("purposes",), text, "a control for each purpose"
    if len(control.channels) != 1:
        text = f"one act for {len(control.channels)} channels" if control.channels else "no channel is named"
        yield ("channels",), f"{text} (GDPR art. 4(11): specific)", "a control for each channel"
    for purpose in known:
        yield from _purpose(policies, point, control, purpose)
    if len(known) == len(control.purposes) == len(control.channels) == 1:
        yield from _freely(point, control, known[0])


def _purpose(
    policies: PolicySet, point: CollectionPoint, control: Control, purpose: Purpose
) -> Iterator[Said]:
    if purpose.controller != point.controller:
        text = f"{purpose.id} is of {purpose.controller}, and the form of {point.controller} (art. 13(1)(a))"
        yield ("purposes",), text, "ask for it at a form of its own controller"
    for channel in control.channels:
        if channel not in purpose.channels:
            text = f"{purpose.id} does not declare the channel {channel}"
            yield ("channels",), text, f"one of {', '.join(purpose.channels)}"
            continue
        address = policies.channels[channel].address if channel in policies.channels else "none"
        if address != "none" and not any(one.kind.value == address for one in point.controls):
            text = f"consent to {channel}, and the form asks for no {address}"
            yield ("channels",), text, f'add a control of kind = "{address}"'
    by_consent = purpose.basis is Basis.CONSENT or ChannelGround.CONSENT in purpose.grounds
    if control.can_say("yes") and not by_consent:
        text = f"{purpose.id} rests on {purpose.basis}: asking for consent misleads (GDPR art. 5(1)(a), 6)"
        yield ("purposes",), text, "take the control out, and name the purpose in `serves`"


def _freely(point: CollectionPoint, control: Control, purpose: Purpose) -> Iterator[Said]:
    if not control.can_say("yes") and purpose.basis is Basis.CONSENT and not _answers_a_yes(point, control):
        # Silence would be the yes, or the person would have to tick in order to say no.
        text = "ticking it says no: whoever leaves it alone has not consented (GDPR art. 4(11), recital 32)"
        yield ("says",), text, 'let the act say yes: says = "yes"'
    if control.kind in _CHOOSING:
        if not control.can_say("no"):
            yield ("option",), "there is no way to say no (GDPR art. 4(11))", 'add an option with says = "no"'
        if not control.can_say("yes"):
            yield ("option",), "no answer says yes", 'add an option with says = "yes"'
        elif control.kind is ControlKind.SELECT and control.options[0].says is not None:
            # A browser shows a list with its first answer chosen, before anybody chose.
            said = control.options[0].says
            text = (
                f"a list stands on its first answer, which says {said}: an answer that is on by default (GDPR"
                " art. 4(11), 25(2); C-673/17)"
            )
            yield (
                ("option",),
                text,
                "put an answer without `says` first, such as “Please choose”, or make it a radio",
            )
    if control.kind is ControlKind.BUTTON and control.says == "yes":
        yield from _button(point, control)


def _answers_a_yes(point: CollectionPoint, control: Control) -> bool:
    """Whether it is the other of two buttons, of which one says yes."""
    return control.kind is ControlKind.BUTTON and any(
        other.kind is ControlKind.BUTTON
        and other.says == "yes"
        and (other.purposes, other.channels) == (control.purposes, control.channels)
        for other in point.controls
    )


def _button(point: CollectionPoint, control: Control) -> Iterator[Said]:
    """A button that says yes has one beside it that says no, as near and as plain."""
    refusing = [
        other
        for other in point.controls
        if other.kind is ControlKind.BUTTON
        and other.says == "no"
        and (other.purposes, other.channels) == (control.purposes, control.channels)
    ]
    if not refusing:
        what = "it sends the form and consents at once, and " if control.submits else ""
        text = f"{what}there is no way to say no (GDPR art. 4(11), 7(4))"
        yield ("kind",), text, 'add a button with says = "no", or ask with a checkbox'
    elif not any(
        other.step <= control.step
        and other.submits >= control.submits
        and STANDING_OUT.index(other.prominence) >= STANDING_OUT.index(control.prominence)
        for other in refusing
    ):
        text = "saying no is harder than saying yes (GDPR art. 4(11), 7(3))"
        yield (
            ("prominence",),
            text,
            "put a button that says no on the same step, as prominent, with one press",
        )
