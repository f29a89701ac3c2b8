"""The opt-out that a sale's form owes before letters rest on it (Directive 2002/58/EC art. 13(2); LP-32). Pure."""

from collections.abc import Iterator

from registry.policy import channel_law
from registry.policy.collection import CollectionPoint, Control
from registry.policy.collection_consent import STANDING_OUT
from registry.policy.documents import KeyPath
from registry.policy.model import ChannelGround, PolicySet, Purpose

Said = tuple[KeyPath, str, str]

_ARTICLE = "Directive 2002/58/EC art. 13(2)"


def findings(policies: PolicySet, point: CollectionPoint) -> Iterator[Said]:
    """Purposes that rely on a sale here whose opt-out is missing on a channel, or is hard to find.

    An opt-out is owed for each channel whose address is got here: whoever refuses mail was not asked about the number.
    """
    for name in point.serves if point.sale else ():
        purpose = policies.purposes.get(name)
        if purpose is None or ChannelGround.SOFT_OPT_IN not in purpose.grounds:
            continue
        for channel in _owed(policies, point, purpose):
            offered = [
                (place, control)
                for place, control in enumerate(point.controls)
                if name in control.purposes and channel in control.channels and not control.can_say("yes")
            ]
            if not offered:
                text = f"{name} relies on soft opt-in, and no opt-out is offered by {channel} ({_ARTICLE})"
                yield (
                    ("serves",),
                    text,
                    f'add a checkbox with says = "no" for it, with channels = ["{channel}"]',
                )
            for place, control in offered:
                for key, text, mend in _hidden(point, control):
                    yield ("control", place, key), f"`{control.id}`: {text} ({_ARTICLE})", mend


def _owed(policies: PolicySet, point: CollectionPoint, purpose: Purpose) -> list[str]:
    """Channels that may rest on the sale; where no address of theirs is got here, all of them: none was offered."""
    may = [channel for channel in purpose.channels if channel_law.may_rest_on_a_sale(channel)]
    kinds = {control.kind.value for control in point.controls}
    got = [name for name in may if name in policies.channels and policies.channels[name].address in kinds]
    return got or may


def _hidden(point: CollectionPoint, control: Control) -> Iterator[tuple[str, str, str]]:
    """An opt-out is offered with the address: before the form is gone, and as plainly as what is asked beside it."""
    sent = min((one.step for one in point.controls if one.submits), default=control.step)
    if control.step > sent:
        text = f"the opt-out stands on step {control.step}, and the form is sent on step {sent}"
        yield "step", text, f"put it on step {sent} or before"
    plainest = max(
        (one.prominence for one in point.controls if not one.asks), key=STANDING_OUT.index, default="primary"
    )
    if STANDING_OUT.index(control.prominence) < STANDING_OUT.index(plainest):
        text = f"the opt-out is {control.prominence}, and what stands beside it {plainest}"
        yield "prominence", text, f'prominence = "{plainest}"'
