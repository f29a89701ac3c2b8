"""What a policy says: purposes, controllers, channels, national rules, fields, roles, as values that cannot change."""

from datetime import date, datetime
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import Literal

from pydantic import Field, field_validator

from registry.policy.ages import AgeRule
from registry.policy.balancing import BalancingTest
from registry.policy.collection import CollectionPoint
from registry.policy.lists import AddressList
from registry.policy.schedule import Schedule
from registry.policy.words import DAYS_LIMIT, Country, Day, Locale, Model, Name, Text

LIVE_PURPOSES_LIMIT = 256

# The European Economic Area: data may go there without a mechanism of GDPR art. 44 to 46.
EEA = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"}
    | {"IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"}
)


class PurposeClass(StrEnum):
    """What a rule may block: a marketing unsubscribe never stops an order mail."""

    MARKETING = "marketing"
    SERVICE = "service"
    REQUESTED = "requested"
    LEGAL_NOTICE = "legal_notice"


class Basis(StrEnum):
    """The lawful bases of GDPR art. 6(1)(a) to (f)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class ChannelGround(StrEnum):
    """On what an electronic marketing message rests besides its basis (Directive 2002/58/EC art. 13)."""

    CONSENT = "consent"
    SOFT_OPT_IN = "soft_opt_in"
    EXEMPTION = "exemption"


class Grade(IntEnum):
    """How well a grant is evidenced, weakest first; `unknown` is never sendable."""

    UNKNOWN = 0
    ATTESTED = 1
    FIRST_PARTY = 2


class Subscriber(IntEnum):
    """The kind of subscriber in the sense of ePrivacy art. 13(5)."""

    UNKNOWN = 0
    NATURAL = 1
    LEGAL = 2


class RetentionClass(StrEnum):
    """A person has one key for each, so that one kind can be destroyed and another kept."""

    IDENTITY = "identity"
    PROFILE = "profile"
    HISTORY = "history"
    MESSAGES = "messages"
    AUDIT = "audit"
    PROOF = "proof"
    HOLD = "hold"


class Controller(Model):
    """The legal entity that answers for its purposes (GDPR art. 4(7))."""

    id: Name
    name: Text
    address: Text
    contact: Text = Field(min_length=3)
    dpo: Text | None = None
    country: Country
    locales: tuple[Locale, ...] = Field(min_length=1)
    sender_name: Text
    sender_email: Text
    groups: tuple[str, ...] = ()
    # The clock by which quiet hours are kept for a person whose own is not known.
    time_zone: str = "UTC"


class Notice(Model):
    """The text shown to a person, in one language and version; immutable once recorded."""

    purpose: Name
    version: int = Field(ge=1, le=32000)
    locale: Locale
    change: Literal["material", "editorial"]
    body: str = Field(min_length=1)
    # What is told (`controller`, `data`, `withdrawal`...) and under which heading of the text it stands.
    parts: dict[Name, str] = {}
    data: tuple[str, ...] = ()

    @property
    def hash(self) -> bytes:
        """SHA-256 of the bytes shown, in UTF-8."""
        return sha256(self.body.encode()).digest()


class Purpose(Model):
    """What data is used for; a folder of `policies/purposes/`, and no code."""

    id: Name
    title: dict[Locale, Text]
    controller: Name
    class_: PurposeClass = Field(alias="class")
    basis: Basis
    channels: tuple[Name, ...] = Field(min_length=1)
    # What the channel may rest on for a marketing purpose; the national rule must allow it too.
    grounds: tuple[ChannelGround, ...] = ()
    least_grade: Grade = Grade.ATTESTED
    double_opt_in: bool = False
    valid_for_days: int | None = Field(default=None, ge=1, le=DAYS_LIMIT)
    # Consent of somebody who was not heard of for so long has lapsed (art. 5(1)(e)).
    inactive_after_days: int | None = Field(default=None, ge=1, le=DAYS_LIMIT)
    # An unconfirmed request is void, and is deleted, after this term.
    confirm_within_days: int = Field(default=7, ge=1, le=90)
    # Offered directly to children (art. 8): then consent of somebody whose age is not known permits nothing.
    offered_to_children: bool = False
    # Persons or devices: tracking is allowed or refused by a device, and never passes to whoever uses it.
    subject: Literal["contact", "device"] = "contact"
    # `Sec-GPC: 1` counts as an objection to it.
    gpc: bool = False
    # The condition of art. 9(2) under which delicate data are used.
    special_condition: str | None = None
    # Soft opt-in holds for the controller's own similar products: the categories that count as similar.
    similar_products: tuple[Text, ...] = ()
    # The id of a test in `balancing.toml`.
    balancing: Name | None = None
    obligation: Text | None = None
    # Which recorded grounds make a contract (GDPR art. 6(1)(b)).
    contract_facts: tuple[str, ...] = ("contract", "sale")
    withdrawal: tuple[str, ...] = ()
    data_kinds: tuple[str, ...] = ()
    recipients: tuple[Name, ...] = ()
    locales: tuple[Locale, ...] = ()
    default_locale: Locale = "en"
    notice_version: int | None = None
    # A grant under an older version than the last material one has lapsed.
    least_notice_version: int = Field(default=0, ge=0, le=32000)
    # Decisions by a program alone with effects on the person (GDPR art. 22): then the notice must tell of them.
    automated_decisions: bool = False

    version: str = ""

    @field_validator("least_grade", mode="before")
    @classmethod
    def _named_grade(cls, value: object) -> object:
        """Policies name grades by word."""
        if isinstance(value, str):
            try:
                return Grade[value.upper()]
            except KeyError:
                raise ValueError(
                    f"must be one of {', '.join(grade.name.lower() for grade in Grade)}"
                ) from None
        return value

    @property
    def is_marketing(self) -> bool:
        return self.class_ is PurposeClass.MARKETING


class Channel(Model):
    """A way to reach a person, or `process`: use without contact."""

    id: Name
    address: Literal["email", "phone", "none"]
    electronic_marketing: bool = True


class EprivacyRule(Model):
    """What one Member State lets a channel rest on, from a day on; the latest that has begun holds."""

    country: Country
    channel: Name
    subscriber: Literal["natural", "legal"]
    grounds: tuple[ChannelGround, ...]
    since: Day
    source: Text


class ContactField(Model):
    """A field that may be stored: for what, how delicate, how long (GDPR art. 5(1)(b), (c), (e))."""

    id: Name
    title: dict[Locale, Text]
    purposes: tuple[Name, ...] = Field(min_length=1)
    sensitivity: Literal["ordinary", "identifying", "special"]
    retention: RetentionClass
    segmentable: bool = False
    max_length: int = Field(default=500, ge=1, le=100_000)


class Recipient(Model):
    id: Name
    name: Text
    role: Literal["processor", "controller"]
    country: Country
    contract: Text | None = None
    mechanism: Text | None = None


class Retention(Model):
    id: RetentionClass
    term_days: int | None = Field(default=None, ge=0, le=DAYS_LIMIT)
    after: Text
    kept_on_erasure: bool = False


class RolePolicy(Model):
    id: Name
    actions: tuple[str, ...] = ()
    unmasked: tuple[str, ...] = ()


class PolicySet(Model):
    """Everything in `policies/`, read, checked and hashed; `version` of a purpose is its content's hash."""

    controllers: dict[Name, Controller]
    purposes: dict[Name, Purpose]
    channels: dict[Name, Channel]
    notices: dict[Name, tuple[Notice, ...]] = {}
    eprivacy: tuple[EprivacyRule, ...] = ()
    fields: dict[Name, ContactField] = {}
    recipients: dict[Name, Recipient] = {}
    retention: dict[RetentionClass, Retention] = {}
    roles: dict[Name, RolePolicy] = {}
    ages: tuple[AgeRule, ...] = ()
    schedule: Schedule = Schedule()
    lists: dict[Name, AddressList] = {}
    balancing: dict[Name, BalancingTest] = {}
    # Every version of every collection point, the current one last.
    collection: dict[Name, tuple[CollectionPoint, ...]] = {}
    # Filled once the set is installed in a database: the small numbers that stand for the names there.
    purpose_ids: dict[Name, int] = {}
    channel_ids: dict[Name, int] = {}
    zone_ids: dict[str, int] = {}
    # When each list was imported and of which day it was then; kept current while a process runs, and what is older
    # than the truth only refuses more.
    list_imports: dict[Name, tuple[tuple[datetime, date], ...]] = Field(default={}, exclude=True)
    # Of the set in the database that these are (`registry.policy.in_force`); 0 when they come from a folder.
    number: int = 0

    def numbered(
        self, purpose_ids: dict[str, int], channel_ids: dict[str, int], zone_ids: dict[str, int] | None = None
    ) -> "PolicySet":
        """The same policies with the numbers that one database gave to purposes, channels and time zones."""
        zones = zone_ids or {name: number for number, name in enumerate(self.schedule.names(), 1)}
        return self.model_copy(
            update={"purpose_ids": purpose_ids, "channel_ids": channel_ids, "zone_ids": zones}
        )

    def purposes_of(self, controller: str) -> tuple[Purpose, ...]:
        return tuple(p for p in self.purposes.values() if p.controller == controller)

    def channel_grounds(
        self, country: str | None, channel: str, subscriber: Subscriber, day: date
    ) -> frozenset[ChannelGround]:
        """On what marketing by this channel may rest there on that day; an unknown anything takes consent only."""
        rules = [
            rule
            for rule in self.eprivacy
            if rule.country == country
            and rule.channel == channel
            and rule.subscriber == subscriber.name.lower()
            and rule.since <= day
        ]
        if not rules:
            return frozenset({ChannelGround.CONSENT})
        return frozenset(max(rules, key=lambda rule: rule.since).grounds)


def jurisdiction(country: str | None, subscriber: Subscriber) -> int:
    """Country and kind of subscriber as one small number for the gate's table; -1 where either is unknown."""
    if country is None or subscriber is Subscriber.UNKNOWN:
        return -1
    first, second = (ord(letter) - ord("A") for letter in country)
    return (first * 26 + second) * 3 + int(subscriber)
