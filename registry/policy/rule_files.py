"""Reads the files of rules that are not about one purpose: national law, ages, hours and caps, lists."""

from collections.abc import Collection, Iterator
from itertools import product
from typing import Any

from pydantic import TypeAdapter, ValidationError

from registry.policy import channel_law
from registry.policy.ages import AgeRule
from registry.policy.documents import KeyPath, nearest
from registry.policy.model import EprivacyRule
from registry.policy.reader import Reader
from registry.policy.rule_checks import unknown_zone
from registry.policy.schedule import Cap, Quiet, Schedule
from registry.policy.words import Country

EPRIVACY, AGES, SCHEDULE = "eprivacy.toml", "ages.toml", "schedule.toml"
_COUNTRY = TypeAdapter(Country)
_AXES = ("countries", "channels", "subscribers")


def eprivacy(reader: Reader, known: Collection[str]) -> Iterator[EprivacyRule]:
    """A rule is written once for several countries, channels (of those `known`) and kinds, and read as one for each."""
    document = reader.document(EPRIVACY)
    reader.only(document, ("rule",))
    seen: set[tuple[object, ...]] = set()
    for at, rule in reader.rules(document, "rule"):
        axes = [rule.get(axis) for axis in _AXES]
        if not all(isinstance(axis, list) and axis for axis in axes):
            said = "a rule needs countries, channels and subscribers"
            reader.say(EPRIVACY, at, said, "list at least one of each")
            continue
        for channel in rule["channels"]:
            if known and channel not in known:
                meant = nearest(str(channel), tuple(known))
                mend = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known)}"
                reader.say(EPRIVACY, (*at, "channels"), f"unknown channel `{channel}`", mend)
        rest = {key: value for key, value in rule.items() if key not in _AXES}
        weighed: set[tuple[str, str]] = set()
        for country, channel, subscriber in product(*(axis for axis in axes if axis)):
            assert document is not None
            values = {"country": country, "channel": channel, "subscriber": subscriber, **rest}
            made = reader.validated(EprivacyRule, document, at, values)
            if made is None:
                break
            key = (made.country, made.channel, made.subscriber, made.since)
            if key in seen:
                said = f"a second rule for {country}, {channel}, {subscriber} from the same day"
                reader.say(EPRIVACY, at, said, "keep one of them")
                break
            seen.add(key)
            if (channel, subscriber) not in weighed and channel in known:
                for text, mend in channel_law.beyond(made):
                    reader.say(EPRIVACY, (*at, "grounds"), text, mend)
            weighed.add((channel, subscriber))
            yield made


def ages(reader: Reader) -> Iterator[AgeRule]:
    """From which age a person consents alone, by country and day (GDPR art. 8(1)); no file, no rule."""
    document = reader.document(AGES, optional=True)
    reader.only(document, ("rule",))
    seen: set[tuple[object, ...]] = set()
    for at, values in reader.rules(document, "rule"):
        assert document is not None
        made = reader.validated(AgeRule, document, at, values)
        if made is None:
            continue
        if (made.country, made.since) in seen:
            said = f"a second rule for {made.country} from the same day"
            reader.say(AGES, (*at, "since"), said, "keep one of them")
            continue
        seen.add((made.country, made.since))
        yield made


def schedule(reader: Reader) -> Schedule:
    """The clocks of countries, quiet hours and caps; no file, no limit of the hour."""
    document = reader.document(SCHEDULE, optional=True)
    reader.only(document, ("zones", "quiet", "cap"))
    quiet: list[Quiet] = []
    caps: list[Cap] = []
    for at, values in reader.rules(document, "quiet"):
        assert document is not None
        if (one := reader.validated(Quiet, document, at, values)) is not None:
            quiet.append(one)
    for at, values in reader.rules(document, "cap"):
        assert document is not None
        if (cap := reader.validated(Cap, document, at, values)) is None:
            continue
        if any((cap.controller, cap.channel, cap.days) == (o.controller, o.channel, o.days) for o in caps):
            said = f"a second cap of {cap.controller} on {cap.channel} for {cap.days} days"
            reader.say(SCHEDULE, at, said, "keep one of them")
        caps.append(cap)
    zones = dict(_zones(reader, document.data.get("zones", {}) if document else {}))
    return Schedule(zones=zones, quiet=tuple(quiet), caps=tuple(caps))


def _zones(reader: Reader, said: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(said, dict):
        reader.say(SCHEDULE, ("zones",), "`zones` is not a table", "write [zones] and a line a country")
        return
    for country, zone in said.items():
        at: KeyPath = ("zones", country)
        try:
            _COUNTRY.validate_python(country)
        except ValidationError:
            reader.say(SCHEDULE, at, f"`{country}` is no country", "two capital letters (ISO 3166-1)")
            continue
        if problem := unknown_zone(zone):
            reader.say(SCHEDULE, at, *problem)
            continue
        yield country, zone
