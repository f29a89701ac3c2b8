"""What the law does not let a policy say, as far as a program can see it; findings name the article. Pure."""

from collections.abc import Iterator
from datetime import date

from registry.policy import (
    care_checks,
    channel_law,
    collection_checks,
    entities,
    notice_checks,
    partners,
    relabelling,
    role_checks,
    rule_checks,
)
from registry.policy.documents import Finding, KeyPath, nearest
from registry.policy.model import (
    EEA,
    LIVE_PURPOSES_LIMIT,
    Basis,
    ChannelGround,
    Grade,
    PolicySet,
    Purpose,
    PurposeClass,
    RetentionClass,
)

# How a person can say no: in every message, on a page without signing in, or by writing to us.
WITHDRAWAL_ROUTES = ("one_click", "page", "message")
# One click is a header and a link of e-mail (RFC 8058); whoever is reached otherwise needs another way.
_OF_EVERY_CHANNEL = ("page", "message")


def findings(policies: PolicySet, today: date | None = None) -> Iterator[Finding]:
    """Everything that keeps these policies from being used; with `today` also what is overdue."""
    if len(policies.purposes) > LIVE_PURPOSES_LIMIT:
        yield Finding("purposes", (), *too_many(len(policies.purposes)))
    for name, purpose in policies.purposes.items():
        file = f"purposes/{name}/policy.toml"
        for path, text, mend in _purpose(policies, purpose):
            yield Finding(file, path, text, mend)
    yield from rule_checks.findings(policies, today)
    yield from channel_law.findings(policies)
    yield from entities.findings(policies)
    yield from relabelling.findings(policies)
    yield from partners.findings(policies)
    yield from notice_checks.all_findings(policies)
    yield from collection_checks.all_findings(policies)
    yield from _fields(policies)
    yield from _recipients(policies)
    yield from role_checks.findings(policies)
    if absent := [kind.value for kind in RetentionClass if kind not in policies.retention]:
        text = f"no term for {', '.join(absent)} (GDPR art. 5(1)(e))"
        yield Finding("retention.toml", (), text, "add a table for each")


_Said = tuple[KeyPath, str, str]


def too_many(purposes: int) -> tuple[str, str]:
    """What is said of more purposes than the gate's table has room for, and the mend."""
    return (
        f"{purposes:,} live purposes; there may be {LIVE_PURPOSES_LIMIT}",
        "join purposes that differ in name only",
    )


def _purpose(policies: PolicySet, purpose: Purpose) -> Iterator[_Said]:
    yield from _known("controller", (purpose.controller,), tuple(policies.controllers))
    yield from _known("channels", purpose.channels, tuple(policies.channels))
    yield from _known("recipients", purpose.recipients, tuple(policies.recipients))
    yield from _known("withdrawal", purpose.withdrawal, WITHDRAWAL_ROUTES)
    if purpose.basis is Basis.LEGITIMATE_INTERESTS and purpose.balancing not in policies.balancing:
        tests = tuple(policies.balancing)
        meant = nearest(purpose.balancing or "", tests)
        if purpose.balancing is None:
            text = "legitimate interest without a balancing test (GDPR art. 6(1)(f))"
            yield ("basis",), text, "write one in balancing.toml and name it in `balancing`"
        else:
            text = f"there is no balancing test `{purpose.balancing}` in balancing.toml (GDPR art. 6(1)(f))"
            mend = f"did you mean `{meant}`?" if meant else "write it, sign it, and name it here"
            yield ("balancing",), text, mend
    if purpose.basis in (Basis.LEGAL_OBLIGATION, Basis.PUBLIC_TASK) and not purpose.obligation:
        yield ("basis",), "no provision that obliges (GDPR art. 6(3))", "name it in `obligation`"
    if purpose.basis is Basis.CONSENT and not purpose.withdrawal:
        routes = ", ".join(WITHDRAWAL_ROUTES)
        yield ("basis",), "consent that cannot be withdrawn (GDPR art. 7(3))", f"name a route of {routes}"
    yield from _ways_out(policies, purpose)
    if purpose.double_opt_in and not any(
        other.class_ is PurposeClass.REQUESTED and set(other.channels) & set(purpose.channels)
        for other in policies.purposes_of(purpose.controller)
    ):
        text = f"{purpose.controller} has no purpose of class requested to send the confirmation under"
        yield ("double_opt_in",), text, 'add a purpose with class = "requested" and the same channel'
    if purpose.least_grade is Grade.UNKNOWN:
        text = "consent of unknown origin is never sendable (GDPR art. 7(1))"
        yield ("least_grade",), text, '"attested" or "first_party"'
    if not purpose.locales:
        yield (), "no language is declared (GDPR art. 12(1))", "write locales = [...]"
    if purpose.locales and purpose.default_locale not in purpose.locales:
        yield (
            ("default_locale",),
            f"the default language {purpose.default_locale} is not declared",
            "add it to locales",
        )
    for locale in purpose.locales:
        if locale not in purpose.title:
            yield ("title",), f"the title is missing in {locale}", f"add {locale} under [title]"
    yield from care_checks.findings(policies, purpose)
    if purpose.is_marketing:
        yield from _marketing(policies, purpose)


def _ways_out(policies: PolicySet, purpose: Purpose) -> Iterator[_Said]:
    """Whoever may say no can do so by each channel (GDPR art. 7(3), 21; Directive 2002/58/EC art. 13(2), (4))."""
    if not purpose.withdrawal or set(purpose.withdrawal) & set(_OF_EVERY_CHANNEL):
        return
    for name in purpose.channels:
        channel = policies.channels.get(name)
        if channel is not None and channel.address != "email":
            text = f"no route of `withdrawal` works on {name}: one_click is for e-mail alone (GDPR art. 7(3), 21(2))"
            yield ("withdrawal",), text, f"add {' or '.join(_OF_EVERY_CHANNEL)} to `withdrawal`"


def _marketing(policies: PolicySet, purpose: Purpose) -> Iterator[_Said]:
    if purpose.basis not in (Basis.CONSENT, Basis.LEGITIMATE_INTERESTS):
        yield ("basis",), f"marketing cannot rest on {purpose.basis}", "consent or legitimate_interests"
    # GDPR art. 21(2) to (4), Directive 2002/58/EC art. 13(4).
    if "one_click" not in purpose.withdrawal:
        yield (
            ("withdrawal",),
            "marketing that cannot be stopped from each message",
            'add "one_click" to `withdrawal`',
        )
    electronic = [
        channel
        for channel in purpose.channels
        if channel in policies.channels and policies.channels[channel].electronic_marketing
    ]
    if electronic and not purpose.grounds:
        text = "electronic marketing without a ground of the channel (Directive 2002/58/EC art. 13)"
        yield (
            ("class",),
            text,
            "name in `grounds` what it may rest on; legitimate interest is not one of them",
        )
    for channel in electronic:
        rules = [rule for rule in policies.eprivacy if rule.channel == channel]
        if not rules:
            yield ("channels",), f"eprivacy.toml has no rule for {channel}", "add one for each country"
        elif not any(set(rule.grounds) & set(purpose.grounds) for rule in rules):
            yield (
                ("grounds",),
                f"no rule of eprivacy.toml lets {channel} rest on these grounds",
                "add consent",
            )
    if ChannelGround.SOFT_OPT_IN in purpose.grounds and not purpose.similar_products:
        text = "soft opt-in without the products that count as similar (Directive 2002/58/EC art. 13(2))"
        yield ("grounds",), text, "name their categories in `similar_products`"


def _known(key: str, names: tuple[str, ...], known: tuple[str, ...]) -> Iterator[_Said]:
    for name in names:
        if name not in known:
            meant = nearest(name, known)
            mend = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known) or 'none'}"
            yield (key,), f"unknown name `{name}` in `{key}`", mend


def _fields(policies: PolicySet) -> Iterator[Finding]:
    for name, field in policies.fields.items():
        for path, text, mend in _known("purposes", field.purposes, tuple(policies.purposes)):
            yield Finding("fields.toml", (name, *path), text, mend)
        if field.segmentable and field.sensitivity != "ordinary":
            text = f"`{name}` is {field.sensitivity} and segmentable: it would lie unsealed"
            yield Finding("fields.toml", (name, "segmentable"), text, "take `segmentable` out")
        for purpose in field.purposes:
            if purpose in policies.purposes and name not in policies.purposes[purpose].data_kinds:
                text = f"`{name}` is used for {purpose}, whose policy does not name it (GDPR art. 5(1)(b))"
                yield Finding(
                    "fields.toml",
                    (name, "purposes"),
                    text,
                    f"add it to data_kinds of {purpose}, or not use it",
                )
    for purpose, one in policies.purposes.items():
        for kind in one.data_kinds:
            if kind in policies.fields and purpose not in policies.fields[kind].purposes:
                text = f"uses `{kind}`, which fields.toml keeps for other purposes (GDPR art. 5(1)(b))"
                mend = f"add {purpose} to purposes of `{kind}` there, or not use it"
                yield Finding(f"purposes/{purpose}/policy.toml", ("data_kinds",), text, mend)


def _recipients(policies: PolicySet) -> Iterator[Finding]:
    for name, recipient in policies.recipients.items():
        if recipient.role == "processor" and not recipient.contract:
            text = f"{name} processes without a contract (GDPR art. 28(3))"
            yield Finding("recipients.toml", (name,), text, "name it in `contract`")
        if recipient.country not in EEA and not recipient.mechanism:
            text = f"{name} is in a third country without a mechanism (GDPR art. 44 to 46)"
            yield Finding("recipients.toml", (name, "country"), text, "name it in `mechanism`")
