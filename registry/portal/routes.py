"""HTTP for persons: one-click, and all their other pages. Only a POST changes anything; no cookie is ever set."""

from litestar import HttpMethod, MediaType, Response, Router, get, post, route
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from registry.access.workspace import Workspace
from registry.contacts.service import ContactGone
from registry.dispatch.tokens import OneClick, Preferences, open_token, seal_preferences
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.http.admission import PUBLIC
from registry.kit.http.writing import caller_of
from registry.policy.model import PolicySet
from registry.portal import choice_routes, confirm_routes, mishaps, own_data_routes, pages, service
from registry.portal.answering import BODY_LIMIT, AppRequest, html, known_for, locale_of, texts_of

# RFC 8058 3.1: the body of a one-click request is this one field.
FIELD, VALUE = "List-Unsubscribe", "One-Click"


@route(
    "/u/{token:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    opt=PUBLIC,
    status_code=200,
    media_type=MediaType.HTML,
)
async def ask(request: AppRequest, token: FromPath[str]) -> Response[str]:
    """The page with a button. Scanners and previews fetch links, so nothing is changed or looked up of anybody."""
    workspace: Workspace = request.app.state.workspace
    opened = open_token(workspace.ring.token, token)
    if opened is None:
        return html(pages.nothing(locale_of(request)), 404)
    policies = await known_for(request, opened.purpose_id)
    purpose = service.purpose_of(policies, opened)
    locale = locale_of(request, controller=service.controller_of(policies, purpose))
    return html(pages.asks(policies, purpose, locale, _choices(workspace, opened, locale)))


@post(
    "/u/{token:str}",
    opt=PUBLIC,
    status_code=200,
    media_type=MediaType.HTML,
    request_max_body_size=BODY_LIMIT,
)
async def unsubscribe(request: AppRequest, token: FromPath[str]) -> Response[str]:
    """One click (RFC 8058), by a mail program or by the page's button: withdrawn when this answers.

    A link whose person was erased is answered alike and changes nothing. One that was cut or forged is told so, and
    so is one whose purpose this process does not know (503): nobody may believe to have left who has not.
    """
    workspace: Workspace = request.app.state.workspace
    form = await _require_one_click(request)
    opened = open_token(workspace.ring.token, token)
    if opened is None:
        return html(pages.nothing(locale_of(request, form)), 404)
    policies = await known_for(request, opened.purpose_id)
    done = await _withdraw(request, workspace, policies, opened)
    purpose = service.purpose_of(policies, opened)
    controller = service.controller_of(policies, purpose)
    locale = locale_of(request, form, controller=controller, person=done.locale if done else None)
    number = done.on_the_way if done else 0
    choices = _choices(workspace, opened, locale) if done else None
    return html(pages.done(policies, purpose, locale, number, choices))


@get("/page.css", opt=PUBLIC, sync_to_thread=False, media_type="text/css")
def style() -> Response[str]:
    """The pages' style sheet."""
    return Response((pages.FOLDER / "page.css").read_text("utf-8"), media_type="text/css; charset=utf-8")


async def _withdraw(
    request: AppRequest, workspace: Workspace, policies: PolicySet, token: OneClick
) -> service.Withdrawal | None:
    async def work(session: Session) -> service.Withdrawal | None:
        return await service.withdraw(session, workspace.ring, policies, token)

    try:
        return await workspace.database.run(caller_of(request), work)
    except ContactGone:
        return None


async def _require_one_click(request: AppRequest) -> dict[str, str]:
    """The texts of the form; refuses (400) a POST without the one-click field, in either of the two encodings."""
    form = await texts_of(request, _not_one_click())
    if form.get(FIELD) != VALUE:
        raise _not_one_click()
    return form


def _not_one_click() -> Misuse:
    return Misuse("unsubscribe.invalid", f"The body of this request is {FIELD}={VALUE}.", field=FIELD)


def _choices(workspace: Workspace, token: OneClick, locale: str) -> str:
    """Where all the person's choices are. One-click links live for ever, so this one is not fresh: it takes back."""
    never = Preferences(token.contact_id, token.assignment_id, token.purpose_id, 0)
    return f"/p/prefs/{seal_preferences(workspace.ring.token, never)}?lang={locale}"


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    handlers = [
        ask,
        unsubscribe,
        style,
        confirm_routes.ask,
        confirm_routes.confirm,
        choice_routes.show,
        choice_routes.change,
        own_data_routes.ask,
        own_data_routes.send,
    ]
    return [Router("/p", route_handlers=handlers, tags=["portal"], exception_handlers=mishaps.HANDLERS)]
