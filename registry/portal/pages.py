"""The pages themselves: plain HTML that works without script, in the person's language."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from registry.kit.texts import N_, gettext_for, ngettext_for, translations
from registry.policy.model import Controller, PolicySet, Purpose
from registry.policy.titles import title_of
from registry.portal.notices import Shown

FOLDER = Path(__file__).with_name("html")
# Each language under its own name, for whoever cannot read the others.
LANGUAGES = (("en", "English"), ("lv", "Latviešu"), ("pl", "Polski"), ("ru", "Русский"))

_DATES = {"lv": "dd.MM.y."}

N_("%(controller)s answers for your data. You can write to %(contact)s.")


@cache
def _environment(locale: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(locale), newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    return environment


def page(template: str, locale: str, controller: Controller | None, heading: str, **values: Any) -> str:
    """One page as HTML."""
    return (
        _environment(locale)
        .get_template(template)
        .render(
            {
                "locale": locale,
                "languages": LANGUAGES,
                "controller": controller,
                "heading": heading,
                **values,
            }
        )
    )


def day(when: date, locale: str) -> str:
    """A date as people write it: 3 May 2026, 3 maja 2026; in figures where a month's name would be inflected."""
    return format_date(when, _DATES.get(locale, "d MMMM y"), locale)


def asks(policies: PolicySet, purpose: Purpose, locale: str, choices: str) -> str:
    """The page that asks whether to unsubscribe; it changes nothing. `choices` leads to all of the person's."""
    _ = gettext_for(locale)
    return page(
        "unsubscribe.html",
        locale,
        policies.controllers[purpose.controller],
        _("Unsubscribe"),
        question=_("Do you want to stop receiving “%(title)s”?") % {"title": title_of(purpose, locale).text},
        lines=[],
        choices=choices,
    )


def done(
    policies: PolicySet, purpose: Purpose, locale: str, on_the_way: int, choices: str | None = None
) -> str:
    """The page after it: also for a link that is nobody's any more, so that it tells nothing about anybody."""
    _ = gettext_for(locale)
    lines = [
        _("We will send you no more of “%(title)s”.") % {"title": title_of(purpose, locale).text},
        arriving(locale, on_the_way),
        _("Messages about your orders and answers to your requests are not affected."),
    ]
    return page(
        "unsubscribe.html",
        locale,
        policies.controllers[purpose.controller],
        _("You have been unsubscribed"),
        question=None,
        lines=lines,
        choices=choices,
    )


def arriving(locale: str, on_the_way: int) -> str:
    """What had left us before the "no", and may still arrive."""
    if not on_the_way:
        return gettext_for(locale)("A message that had already left us may still arrive.")
    ngettext = ngettext_for(locale)
    return ngettext(
        "%(number)d message had already left us and may still arrive.",
        "%(number)d messages had already left us and may still arrive.",
        on_the_way,
    ) % {"number": on_the_way}


def nothing(locale: str) -> str:
    """The page of a link that we never made."""
    _ = gettext_for(locale)
    return lines(
        locale,
        None,
        _("Page not found"),
        [_("There is nothing at this address. Check the link in the letter.")],
    )


def lines(
    locale: str, controller: Controller | None, heading: str, said: list[str], again: str | None = None
) -> str:
    """A page that says something and asks nothing; `again` is the text of a link to ask for a fresh link."""
    return page("lines.html", locale, controller, heading, lines=said, again=again)


def confirm(policies: PolicySet, purpose: Purpose, locale: str, notice: Shown | None) -> str:
    """The page that asks to confirm a request; it changes nothing."""
    _ = gettext_for(locale)
    return page(
        "confirm.html",
        locale,
        policies.controllers[purpose.controller],
        _("Please confirm"),
        question=_("Is it right that you asked for “%(title)s”?") % {"title": title_of(purpose, locale).text},
        notice=notice,
        lines=[],
        choices=None,
    )


def confirmed(
    policies: PolicySet, purpose: Purpose, locale: str, *, already: bool, choices: str | None
) -> str:
    """The page after it, also after the second time."""
    _ = gettext_for(locale)
    title = {"title": title_of(purpose, locale).text}
    said = [
        _("You confirmed this before; nothing has changed since. You get “%(title)s”.") % title
        if already
        else _("Thank you. From now on you get “%(title)s”.") % title,
        _("You can stop it at any time by the link in every message."),
    ]
    return page(
        "confirm.html",
        locale,
        policies.controllers[purpose.controller],
        _("Confirmed"),
        question=None,
        notice=None,
        lines=said,
        choices=choices,
    )


def closed(policies: PolicySet, purpose: Purpose | None, locale: str) -> str:
    """The page of a link whose term is over, or whose request is gone; it tells nothing about anybody."""
    _, ngettext = gettext_for(locale), ngettext_for(locale)
    said = [_("The link is not valid any more. Nothing was confirmed, and nothing will be sent.")]
    if purpose is not None:
        said.append(
            ngettext(
                "A request is to be confirmed within %(days)d day; then it is deleted.",
                "A request is to be confirmed within %(days)d days; then it is deleted.",
                purpose.confirm_within_days,
            )
            % {"days": purpose.confirm_within_days}
        )
        said.append(_("If you still want it, ask for it again where you asked first."))
    controller = policies.controllers[purpose.controller] if purpose else None
    return lines(locale, controller, _("This link has ended"), said)


def taken_back(policies: PolicySet, purpose: Purpose, locale: str) -> str:
    """The page of a request that the person took back before confirming it."""
    _ = gettext_for(locale)
    said = [
        _("You said no after you had asked for “%(title)s”. Your no stands: nothing was confirmed.")
        % {"title": title_of(purpose, locale).text},
        _("If you still want it, ask for it again where you asked first."),
    ]
    return lines(locale, policies.controllers[purpose.controller], _("Nothing was confirmed"), said)
