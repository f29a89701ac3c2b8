"""What no Member State may let a channel rest on, whatever a rule says (Directive 2002/58/EC art. 13; LP-34). Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from registry.policy.documents import Finding
from registry.policy.model import ChannelGround, EprivacyRule, PolicySet

_CONSENT = frozenset({ChannelGround.CONSENT})
_CUSTOMERS = _CONSENT | {ChannelGround.SOFT_OPT_IN}
_ALL = frozenset(ChannelGround)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The kind of address that a channel is, and the widest grounds to each kind of subscriber."""

    address: str
    natural: frozenset[ChannelGround]
    legal: frozenset[ChannelGround]
    article: str


# Art. 13(2) is about electronic mail alone, which text messages are (art. 2(h)). A call by a person may be left to the
# person's refusal (art. 13(3)), so also to that of customers alone. Art. 13(5) leaves mail to companies to each State;
# for machines and fax nothing of that is relied on.
_BOUNDS: Mapping[str, _Bounds] = {
    "email": _Bounds("email", _CUSTOMERS, _ALL, "13(1), (2)"),
    "sms": _Bounds("phone", _CUSTOMERS, _ALL, "13(1), (2)"),
    "call": _Bounds("phone", _ALL, _ALL, "13(3)"),
    "automated_call": _Bounds("phone", _CONSENT, _CONSENT, "13(1)"),
    "fax": _Bounds("phone", _CONSENT, _CONSENT, "13(1)"),
}
_UNKNOWN = _Bounds("", _CONSENT, _CONSENT, "13(1)")


def beyond(rule: EprivacyRule) -> Iterator[tuple[str, str]]:
    """What the rule gives that the directive does not, each with its mend; a channel unknown here takes consent."""
    bounds = _BOUNDS.get(rule.channel, _UNKNOWN)
    allowed = bounds.natural if rule.subscriber == "natural" else bounds.legal
    for ground in rule.grounds:
        if ground not in allowed:
            text = (
                f"`{rule.channel}` to {rule.subscriber} persons cannot rest on {ground}"
                f" (Directive 2002/58/EC art. {bounds.article})"
            )
            yield text, f"of {', '.join(sorted(allowed))} alone"


def may_rest_on_a_sale(channel: str) -> bool:
    """Whether a rule may let the channel rest on soft opt-in, for whomever."""
    bounds = _BOUNDS.get(channel, _UNKNOWN)
    return ChannelGround.SOFT_OPT_IN in bounds.natural | bounds.legal


def findings(policies: PolicySet) -> Iterator[Finding]:
    """Channels that say of themselves what they are not, and would slip out of art. 13."""
    file = "channels.toml"
    for name, channel in policies.channels.items():
        if channel.address != "none" and not channel.electronic_marketing:
            text = f"marketing by {channel.address} is under art. 13 of Directive 2002/58/EC, and `{name}` says not"
            yield Finding(file, (name, "electronic_marketing"), text, "electronic_marketing = true")
        bounds = _BOUNDS.get(name)
        if bounds is not None and channel.address != bounds.address:
            text = (
                f"`{name}` by {channel.address} is not what the law calls so (Directive 2002/58/EC art. 13)"
            )
            yield Finding(
                file, (name, "address"), text, f'address = "{bounds.address}", or call it otherwise'
            )
