"""What is wrong with rules that are not about one purpose: clocks, hours, caps, lists, balancing tests. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from registry.policy.balancing import BalancingTest
from registry.policy.documents import Finding, KeyPath, nearest
from registry.policy.model import Basis, PolicySet, PurposeClass
from registry.policy.schedule import WEEKDAYS, Quiet, known_zones

# What quiet hours may put off: nobody waits for an answer to their own request, or for a letter the law asks for.
_DEFERRABLE = (PurposeClass.MARKETING.value, PurposeClass.SERVICE.value)


def findings(policies: PolicySet, today: date | None = None) -> Iterator[Finding]:
    """Everything; with `today` also balancing tests that are overdue or signed for a day to come."""
    for name, controller in policies.controllers.items():
        if problem := unknown_zone(controller.time_zone):
            yield Finding(f"controllers/{name}.toml", ("time_zone",), *problem)
    yield from _schedule(policies)
    yield from _lists(policies)
    yield from _balancing(policies, today)


def unknown_zone(zone: object) -> tuple[str, str] | None:
    """What to say of a name that is no time zone of the IANA database, and the mend; None when it is one."""
    if isinstance(zone, str) and zone in known_zones():
        return None
    meant = nearest(str(zone), sorted(known_zones()))
    mend = f"did you mean `{meant}`?" if meant else "a name of the IANA database, such as Europe/Riga"
    return f"unknown time zone `{zone}`", mend


def unknown_name(kind: str, name: str, known: tuple[str, ...]) -> tuple[str, str]:
    """What to say of a name that is not there, and the one that was probably meant."""
    meant = nearest(name, known)
    return f"unknown {kind} `{name}`", (
        f"did you mean `{meant}`?" if meant else f"known: {', '.join(known) or 'none'}"
    )


def _schedule(policies: PolicySet) -> Iterator[Finding]:
    file = "schedule.toml"
    channels, controllers = tuple(policies.channels), tuple(policies.controllers)
    for index, quiet in enumerate(policies.schedule.quiet):
        at: KeyPath = ("quiet", index)
        for name in quiet.channels:
            if name not in channels:
                yield Finding(file, (*at, "channels"), *unknown_name("channel", name, channels))
        for name in quiet.classes:
            if name not in _DEFERRABLE:
                text = f"hours cannot put off `{name}`"
                yield Finding(file, (*at, "classes"), text, f"of {', '.join(_DEFERRABLE)}")
        if quiet.from_ == quiet.until and not quiet.days:
            yield Finding(file, (*at, "from"), "hours that begin when they end are none", "write other hours")
    for channel in channels:
        for class_ in _DEFERRABLE:
            rules = tuple(policies.schedule.of_channel(channel, class_))
            if rules and _never_ends(rules):
                text = f"it is never loud on {channel}: no {class_} message would ever leave"
                yield Finding(file, ("quiet",), text, "leave an hour of the week")
    for index, cap in enumerate(policies.schedule.caps):
        at = ("cap", index)
        if cap.controller not in controllers:
            yield Finding(file, (*at, "controller"), *unknown_name("controller", cap.controller, controllers))
        if cap.channel not in channels:
            yield Finding(file, (*at, "channel"), *unknown_name("channel", cap.channel, channels))


def _never_ends(rules: tuple[Quiet, ...]) -> bool:
    """Whether every quarter of an hour of the week is quiet; days and hours, no year has others."""
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    return all(
        any(rule.holds(monday + timedelta(minutes=15 * step)) for rule in rules)
        for step in range(len(WEEKDAYS) * 24 * 4)
    )


def _lists(policies: PolicySet) -> Iterator[Finding]:
    file = "lists.toml"
    channels, controllers = tuple(policies.channels), tuple(policies.controllers)
    for name, one in policies.lists.items():
        for channel in one.channels:
            if channel not in channels:
                yield Finding(file, (name, "channels"), *unknown_name("channel", channel, channels))
        for controller in one.controllers:
            if controller not in controllers:
                yield Finding(
                    file, (name, "controllers"), *unknown_name("controller", controller, controllers)
                )
        if one.kind == "national" and one.country is None:
            text = f"a national list of no country: {name}"
            yield Finding(file, (name,), text, "write country, or kind = own")
        if one.kind == "own" and not one.controllers:
            text = f"a list of one's own that is nobody's: {name}"
            yield Finding(file, (name,), text, "name whose it is in `controllers`")


def _balancing(policies: PolicySet, today: date | None) -> Iterator[Finding]:
    used = {
        purpose.balancing
        for purpose in policies.purposes.values()
        if purpose.basis is Basis.LEGITIMATE_INTERESTS
    }
    for name, test in policies.balancing.items():
        for key, text, mend in _test(test, today if name in used else None):
            yield Finding("balancing.toml", (name, key), text, mend)


def _test(test: BalancingTest, today: date | None) -> Iterator[tuple[str, str, str]]:
    if test.review_by <= test.signed_on:
        text = "a test that was to be looked at again before it was signed"
        yield "review_by", text, "write a later day"
    if today is None:
        return
    if test.signed_on > today:
        text = f"nobody has signed it yet: it is dated {test.signed_on} (GDPR art. 5(2))"
        yield "signed_on", text, "sign it, and write the day"
    if test.review_by < today:
        text = f"the test is overdue since {test.review_by}: nothing rests on it (GDPR art. 6(1)(f))"
        yield "review_by", text, "look at it again, sign it and write the next day"
