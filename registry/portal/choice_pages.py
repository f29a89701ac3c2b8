"""The pages of a person's choices: every state in plain words, every purpose and channel apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from registry.kit.texts import N_, gettext_for
from registry.policy.model import Basis, Controller, PolicySet, Purpose, PurposeClass
from registry.policy.titles import Title, title_of
from registry.portal import notices, pages
from registry.portal.choices import Choice, Choices, Word, refusable
from registry.portal.notices import Shown

_CHANNELS = {
    "email": N_("E-mail"),
    "sms": N_("SMS"),
    "call": N_("Telephone call"),
    "automated_call": N_("Automated call"),
    "fax": N_("Fax"),
    "process": N_("Use without contacting you"),
}
_STOPPED = {
    "address.missing": N_("No: we have no number of yours."),
    "address.dead": N_("Stopped: messages to this address cannot be delivered."),
    "address.listed": N_("Stopped: the number or address is on a list of people who want no such messages."),
    "contact.restricted": N_("Stopped: the use of your data is restricted, as you asked."),
    "consent.parental_missing": N_("Stopped: the consent of a parent is missing."),
}
_BASES = {
    Basis.CONSENT: N_("Only with your consent. You can withdraw it at any time, as easily as you gave it."),
    Basis.LEGITIMATE_INTERESTS: N_("It rests on our legitimate interests. You can object at any time."),
    Basis.PUBLIC_TASK: N_("It rests on a task in the public interest. You can object at any time."),
}


class Line(NamedTuple):
    """One channel of one purpose, with its buttons."""

    purpose: str
    channel: str
    channel_name: str
    address: str | None
    word: str
    state: str
    takes: bool
    gives: bool
    identifier: UUID | None
    notice: str


class Group(NamedTuple):
    """One purpose. `no` stands on the button that takes it back."""

    title: Title
    basis: str
    no: str
    lines: list[Line]
    notice: Shown | None


@dataclass(frozen=True, slots=True)
class _View:
    policies: PolicySet
    controller: Controller
    locale: str

    def say(self, text: str) -> str:
        return gettext_for(self.locale)(text)

    def day(self, when: datetime) -> str:
        """The day on the controller's clock."""
        return pages.day(when.astimezone(ZoneInfo(self.controller.time_zone)).date(), self.locale)


def current(policies: PolicySet, found: Choices, locale: str, told: Sequence[str] = ()) -> str:
    """The page behind a fresh link; `told` says what has just been done."""
    view = _View(policies, found.controller, locale)
    _ = gettext_for(locale)
    groups = []
    for purpose in refusable(policies, found.controller):
        notice = notices.shown(policies, purpose, locale, 3)
        lines = _lines(view, [one for one in found.choices if one.purpose.id == purpose.id], notice)
        groups.append(_group(view, purpose, lines, notice))
    requested = None
    if found.access is not None:
        requested = _(
            "We received your request for a copy on %(received)s. You have our answer by %(due)s at the latest."
        ) % {"received": view.day(found.access.received_at), "due": pages.day(found.access.due, locale)}
    lead = [
        _("These are your choices for %(address)s. Every change holds at once.") % {"address": found.address}
    ]
    return _page(view, groups, told, lead, requested, fresh=True)


def old(policies: PolicySet, controller: Controller, locale: str, told: Sequence[str] = ()) -> str:
    """The page behind a link that is not fresh: it takes back and shows nothing of anybody."""
    view = _View(policies, controller, locale)
    _ = gettext_for(locale)
    groups = [
        _group(
            view,
            purpose,
            [
                Line(purpose.id, channel, _channel(view, channel), None, "never", "", True, False, None, "")
                for channel in purpose.channels
            ],
            None,
        )
        for purpose in refusable(policies, controller)
    ]
    lead = [_("You can say no to each of these here. Every no holds at once.")]
    return _page(view, groups, told, lead, None, fresh=False)


def gone(controller: Controller, locale: str) -> str:
    """The page of a link that leads to nobody any more: it tells nothing about anybody."""
    _ = gettext_for(locale)
    said = [_("No data belong to this link any more. There is nothing to choose here.")]
    return pages.lines(locale, controller, _("Nothing here"), said)


def _page(
    view: _View,
    groups: list[Group],
    told: Sequence[str],
    lead: list[str],
    requested: str | None,
    *,
    fresh: bool,
) -> str:
    always = [
        title_of(purpose, view.locale)
        for purpose in view.policies.purposes_of(view.controller.id)
        if purpose not in refusable(view.policies, view.controller)
        and purpose.class_ is not PurposeClass.MARKETING
    ]
    return pages.page(
        "choices.html",
        view.locale,
        view.controller,
        view.say(N_("Your choices")),
        told=list(told),
        lead=lead,
        groups=groups,
        always=always,
        requested=requested,
        fresh=fresh,
    )


def _group(view: _View, purpose: Purpose, lines: list[Line], notice: Shown | None) -> Group:
    no = N_("Withdraw") if purpose.basis is Basis.CONSENT else N_("Object")
    basis = _BASES.get(purpose.basis)
    return Group(
        title_of(purpose, view.locale), view.say(basis) if basis else "", view.say(no), lines, notice
    )


def _lines(view: _View, choices: list[Choice], notice: Shown | None) -> list[Line]:
    """A line for each address; the button that takes back stands once for a channel, for it covers all of them."""
    channels = [one.channel for one in choices]
    taking = {one.channel: one for one in reversed(choices) if one.can_take}
    return [
        Line(
            purpose=one.purpose.id,
            channel=one.channel,
            channel_name=_channel(view, one.channel),
            address=one.address if channels.count(one.channel) > 1 or one.channel != "email" else None,
            word=one.word.value,
            state=_state(view, one),
            takes=taking.get(one.channel) is one,
            gives=one.can_give and notice is not None,
            identifier=one.assignment_id,
            notice=f"{notice.version}.{notice.locale}" if notice else "",
        )
        for one in choices
    ]


def _channel(view: _View, channel: str) -> str:
    name = _CHANNELS.get(channel)
    return view.say(name) if name else channel


def _state(view: _View, one: Choice) -> str:
    _ = gettext_for(view.locale)
    since = view.day(one.since) if one.since else ""
    if one.word is Word.YES:
        return _("Yes, since %(day)s.") % {"day": since} if since else _("Yes, until you object.")
    if one.word is Word.WAITING and one.until is not None:
        return _(
            "Waiting for your confirmation: press the button behind the link in our e-mail by %(day)s."
        ) % {"day": view.day(one.until)}
    if one.word is Word.REFUSED:
        return _("No, since %(day)s.") % {"day": since} if since else _("No.")
    if one.word is Word.ENDED:
        if one.reason == "consent.notice_outdated":
            return _("No: you agreed on %(day)s, but the text has changed since.") % {"day": since}
        return _("No: your consent of %(day)s has expired.") % {"day": since}
    if one.word is Word.STOPPED and one.reason in _STOPPED:
        return _(_STOPPED[one.reason])
    return _("No: you have not agreed to this.")
