"""The pages themselves: plain HTML that works without script, in the person's language."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from registry.kit.texts import N_, gettext_for, translations
from registry.policy.model import PolicySet, Purpose

FOLDER = Path(__file__).with_name("html")

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


def asks(policies: PolicySet, purpose: Purpose, locale: str) -> str:
    """The page that asks whether to unsubscribe; it changes nothing."""
    _ = gettext_for(locale)
    return _page(
        locale,
        heading=_("Unsubscribe"),
        question=_("Do you want to stop receiving “%(title)s”?") % {"title": title(purpose, locale)},
        controller=policies.controllers[purpose.controller],
    )


def done(policies: PolicySet, purpose: Purpose | None, locale: str, on_the_way: int) -> str:
    """The page after it: also for a link that is nobody's any more, so that it tells nothing about anybody."""
    _ = gettext_for(locale)
    lines = []
    if purpose is not None:
        lines.append(_("We will send you no more of “%(title)s”.") % {"title": title(purpose, locale)})
    lines.append(
        _("A message that had already left us may still arrive.") + (f" ({on_the_way})" if on_the_way else "")
    )
    lines.append(_("Messages about your orders and answers to your requests are not affected."))
    return _page(
        locale,
        heading=_("You have been unsubscribed"),
        lines=lines,
        controller=policies.controllers[purpose.controller] if purpose else None,
    )


def nothing(locale: str) -> str:
    """The page of a link that we never made."""
    _ = gettext_for(locale)
    return _page(
        locale,
        heading=_("Page not found"),
        lines=[_("There is nothing at this address. Check the link in the letter.")],
    )


def title(purpose: Purpose, locale: str) -> str:
    """What the purpose is called in a language that the person reads."""
    return purpose.title.get(locale) or purpose.title.get("en") or next(iter(purpose.title.values()))


def _page(locale: str, **values: Any) -> str:
    known = {"locale": locale, "question": None, "lines": [], "controller": None} | values
    return _environment(locale).get_template("unsubscribe.html").render(known)
