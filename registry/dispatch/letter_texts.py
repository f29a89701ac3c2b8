"""The words of letters that nobody composes: a confirmation, its one reminder, a link that was asked for.

Built from the catalogues in every language that we have, and without a word of marketing: a confirmation may not
advertise what it confirms (LP-24).
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from html import escape

from registry.dispatch.template_sources import TemplateSet, TemplateText
from registry.kit.texts import DEFAULT, LOCALES, gettext_for, ngettext_for
from registry.policy.model import Controller, Purpose
from registry.policy.titles import title_of


class Letter(StrEnum):
    """The letters that we write of our own accord; the words are stored and never change."""

    CONFIRMATION = "confirmation"
    REMINDER = "reminder"
    PREFERENCES = "preferences"


# Of the Liquid variables those that stand in these letters.
_CONFIRM, _PREFERENCES = "{{ confirm_url }}", "{{ preferences_url }}"
_SENDER = "{{ controller.name }}, {{ controller.address }}"
_CONTACT = "{{ controller.contact }}"


def texts(letter: Letter, controller: Controller, about: Purpose, days: int) -> TemplateSet:
    """The template of a letter in every language; `days` is how long its link is good for.

    `about` is the purpose that was asked for, or the one under which the letter is sent.
    """
    make: Callable[[str, Controller, Purpose, int], TemplateText] = _WRITERS[letter]
    fallback = about.default_locale if about.default_locale in LOCALES else DEFAULT
    return TemplateSet({locale: make(locale, controller, about, days) for locale in LOCALES}, fallback)


def _confirmation(locale: str, controller: Controller, about: Purpose, days: int) -> TemplateText:
    _, ngettext = gettext_for(locale), ngettext_for(locale)
    title = {"title": _plain(title_of(about, locale).text)}
    return _to_confirm(
        locale,
        _("Please confirm: %(title)s") % title,
        _("Somebody, we hope it was you, entered this e-mail address with us and asked for “%(title)s”.") % title,
        [
            ngettext(
                "The link is good for %(days)d day.", "The link is good for %(days)d days.", days
            ) % {"days": days},
            _("If it was not you, you need do nothing: we will send you nothing of the kind,"
              " and delete the request when that time is over."),
        ],
    )  # fmt: skip


def _reminder(locale: str, controller: Controller, about: Purpose, days: int) -> TemplateText:
    _, ngettext = gettext_for(locale), ngettext_for(locale)
    title = {"title": _plain(title_of(about, locale).text)}
    return _to_confirm(
        locale,
        _("Not confirmed yet: %(title)s") % title,
        _("Some days ago somebody, we hope it was you, asked us for “%(title)s”. It has not been confirmed yet.")
        % title,
        [
            ngettext(
                "The link is good for %(days)d day from the day of the request.",
                "The link is good for %(days)d days from the day of the request.",
                days,
            ) % {"days": days},
            _("This is the only reminder. Without a confirmation we will send you nothing of the kind,"
              " and delete the request when that time is over."),
        ],
    )  # fmt: skip


def _to_confirm(locale: str, subject: str, opening: str, after: list[str]) -> TemplateText:
    _ = gettext_for(locale)
    before = [opening, _("If it was you, please confirm it. The link opens a page with a button:")]
    return _letter(locale, subject=subject, before=before, link=(_("Confirm"), _CONFIRM), after=after)


def _preferences(locale: str, controller: Controller, about: Purpose, days: int) -> TemplateText:
    _, ngettext = gettext_for(locale), ngettext_for(locale)
    name = {"controller": _plain(controller.name)}
    return _letter(
        locale,
        subject=_("Your choices and your data at %(controller)s") % name,
        before=[
            _("Somebody, we hope it was you, asked us to send a link to this address. It shows what you have agreed to"
              " at %(controller)s; there you can change it, and ask what we hold about you:")
            % name,
        ],
        link=(_("Your choices and your data"), _PREFERENCES),
        after=[
            ngettext(
                "The link shows your choices for %(days)d day; you can say no with it at any time.",
                "The link shows your choices for %(days)d days; you can say no with it at any time.",
                days,
            ) % {"days": days},
            _("Do not pass it on: whoever has it can see your choices and change them."
              " If you did not ask for it, you need do nothing."),
        ],
    )  # fmt: skip


_WRITERS: Mapping[Letter, Callable[[str, Controller, Purpose, int], TemplateText]] = {
    Letter.CONFIRMATION: _confirmation,
    Letter.REMINDER: _reminder,
    Letter.PREFERENCES: _preferences,
}


def _letter(
    locale: str, *, subject: str, before: list[str], link: tuple[str, str], after: list[str]
) -> TemplateText:
    _ = gettext_for(locale)
    hello, regards = _("Hello,"), _("Questions? Write to %(contact)s.") % {"contact": _CONTACT}
    label, url = link
    text = "\n\n".join([hello, *before, url, *after, regards, f"{_SENDER}\n"])
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in [hello, *before])
    rest = "".join(f"<p>{escape(line)}</p>" for line in [*after, regards])
    html = (
        f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8"><title>{escape(subject)}</title></head>'
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.5;max-width:36em;margin:0 auto;padding:16px">'
        f"{paragraphs}"
        f'<p><a href="{url}" style="display:inline-block;padding:12px 24px;background:#0b4f8a;color:#ffffff;'
        f'text-decoration:none;border-radius:6px">{escape(label)}</a></p>'
        f'{rest}<p style="font-size:14px">{_SENDER}</p></body></html>\n'
    )
    return TemplateText(subject, text, html)


def _plain(words: str) -> str:
    """Words of a policy as Liquid prints them: braces would be read as its own."""
    return words.replace("{", "(").replace("}", ")")
