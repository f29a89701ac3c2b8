"""HTTP for a person's choices: `/p/prefs/<token>`. A GET shows, a POST changes, and both answer with the page."""

from litestar import HttpMethod, MediaType, Response, post, route
from litestar.params import FromPath

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.service import ContactGone
from registry.dispatch.tokens import Preferences, open_preferences
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound
from registry.kit.http.admission import PUBLIC
from registry.kit.http.writing import caller_of
from registry.kit.texts import gettext_for
from registry.policy.model import Controller, Purpose
from registry.policy.titles import title_of
from registry.portal import choice_pages, choices, choosing, linked, notices, own_data, pages
from registry.portal.answering import BODY_LIMIT, AppRequest, evidence, form_of, html, known_for, locale_of
from registry.portal.own_data import Desk

_INVALID = "choice.invalid"


@route(
    "/prefs/{token:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    opt=PUBLIC,
    status_code=200,
    media_type=MediaType.HTML,
)
async def show(request: AppRequest, token: FromPath[str]) -> Response[str]:
    """A person's choices towards one controller: behind a fresh link as they stand, behind an old one only the way out.

    It changes nothing; what it reads is in the log.
    """
    workspace: Workspace = request.app.state.workspace
    opened = open_preferences(workspace.ring.token, token)
    if opened is None:
        return html(pages.nothing(locale_of(request)), 404)
    controller = choices.controller_of(await known_for(request, opened.purpose_id), opened)
    locale = locale_of(request, controller=controller)
    return html(await _shown(request, workspace, opened, controller, locale))


@post(
    "/prefs/{token:str}",
    opt=PUBLIC,
    status_code=200,
    media_type=MediaType.HTML,
    request_max_body_size=BODY_LIMIT,
)
async def change(request: AppRequest, token: FromPath[str]) -> Response[str]:
    """One change, in force when this answers: `action` is `take`, `take-all`, `give`, `access` or `link`.

    Taking back works with every link that we ever made; agreeing, and asking for a copy, take a fresh one.
    """
    workspace: Workspace = request.app.state.workspace
    form = await form_of(request, _INVALID)
    opened = open_preferences(workspace.ring.token, token)
    if opened is None:
        return html(pages.nothing(locale_of(request, form)), 404)
    controller = choices.controller_of(await known_for(request, opened.purpose_id), opened)
    locale = locale_of(request, form, controller=controller)
    try:
        told = await _change(request, workspace, opened, controller, form, locale)
    except ContactGone:
        return html(choice_pages.gone(controller, locale))
    return html(await _shown(request, workspace, opened, controller, locale, told))


async def _shown(
    request: AppRequest,
    workspace: Workspace,
    token: Preferences,
    controller: Controller,
    locale: str,
    told: list[str] | None = None,
) -> str:
    # Of the purposes those that are in force: to one that was retired there is nothing to choose.
    policies, at = workspace.policies, clock.now()

    async def work(session: Session) -> tuple[choices.Choices | None, bool]:
        fresh = choices.is_fresh(token, at)
        found = (
            await choices.read(session, workspace.ring, policies, controller, token, at) if fresh else None
        )
        known = await session.value("SELECT 1 FROM contact WHERE id = %s", (token.contact_id,))
        return found, known is not None

    found, known = await workspace.database.run(caller_of(request), work)
    if not known:
        return choice_pages.gone(controller, locale)
    if found is None:
        return choice_pages.old(policies, controller, locale, told or ())
    return choice_pages.current(policies, found, locale, told or ())


async def _change(
    request: AppRequest,
    workspace: Workspace,
    token: Preferences,
    controller: Controller,
    form: dict[str, str],
    locale: str,
) -> list[str]:
    """Do what the form asks for; what is to be said about it."""
    ring, at = workspace.ring, clock.now()
    policies = linked.with_controller(workspace.policies, controller)
    caller, _ = caller_of(request), gettext_for(locale)
    action = form.get("action")
    seen = evidence(request, choosing.FORM, locale)
    fresh = choices.is_fresh(token, at)
    if action == "take-all":
        number = await workspace.database.run(
            caller, lambda s: choosing.take_all(s, ring, policies, token, controller, seen)
        )
        said = _("Done: %(controller)s sends you no advertising any more.") % {"controller": controller.name}
        return [said, pages.arriving(locale, number)]
    if action == "take":
        purpose, channel = _purpose(workspace, controller, form), form.get("channel", "")
        _require(channel in purpose.channels, "channel")
        number = await workspace.database.run(
            caller, lambda s: choosing.take(s, ring, policies, token, purpose, channel, seen)
        )
        said = _("Done: your no to “%(title)s” holds from now on.") % {
            "title": title_of(purpose, locale).text
        }
        return [said, pages.arriving(locale, number)] if channel != "process" else [said]
    if action == "link":
        desk = Desk(ring, policies, workspace.settings.base_url)
        await workspace.database.run(
            caller, lambda s: own_data.send_fresh(s, desk, controller, token, locale)
        )
        return [_("An e-mail with a fresh link is on its way, unless one was sent there minutes ago.")]
    if action == "give":
        if not fresh:
            return [_("That takes a fresh link. Nothing was changed.")]
        return [await _give(request, workspace, token, _purpose(workspace, controller, form), form, locale)]
    _require(action == "access", "action")
    if not fresh:
        return [_("That takes a fresh link. Nothing was changed.")]
    if await workspace.database.run(caller, lambda s: own_data.ask_for_copy(s, ring, token)) is None:
        raise ContactGone
    return [_("We have your request.")]


async def _give(
    request: AppRequest,
    workspace: Workspace,
    token: Preferences,
    purpose: Purpose,
    form: dict[str, str],
    locale: str,
) -> str:
    _ = gettext_for(locale)
    channel, policies = form.get("channel", ""), workspace.policies
    _require(channel in purpose.channels, "channel")
    notice = notices.shown(policies, purpose, form.get("notice", "").partition(".")[2], 3)
    if notice is None or form.get("notice") != f"{notice.version}.{notice.locale}":
        return _("The information has changed meanwhile. Please read it and choose again.")
    at, version = clock.now(), (notice.version, notice.locale)
    seen = evidence(request, choosing.FORM, locale)
    assignment_id = choices.identifier(form.get("identifier"))
    _require(assignment_id is not None or not form.get("identifier"), "identifier")
    try:
        kind = await workspace.database.run(
            caller_of(request),
            lambda s: choosing.give(
                s, workspace.ring, policies, token, purpose, channel, assignment_id, version, at, seen
            ),
        )
    except ContactGone:
        raise
    except NotFound:
        return _("We do not have this address of yours any more. Nothing was changed.")
    title = {"title": title_of(purpose, locale).text}
    if kind is EntryKind.REQUESTED:
        return (
            _(
                "One more step: we have sent you an e-mail. Press the button behind the link in it to get “%(title)s”."
            )
            % title
        )
    return _("Thank you. Your yes to “%(title)s” holds from now on.") % title


def _purpose(workspace: Workspace, controller: Controller, form: dict[str, str]) -> Purpose:
    purpose = workspace.policies.purposes.get(form.get("purpose", ""))
    if purpose is None or purpose not in choices.refusable(workspace.policies, controller):
        raise Misuse(_INVALID, "The form names no purpose of this page.", field="purpose")
    return purpose


def _require(holds: bool, field: str) -> None:
    if not holds:
        raise Misuse(_INVALID, "The form is not one of this page.", field=field)
