"""HTTP for whoever has no link at hand: `/p/me`. Its answer is the same whether or not we know the address."""

import asyncio

from litestar import HttpMethod, MediaType, Response, post, route

from registry.access.workspace import Workspace
from registry.contacts.identifiers import Kind, normalise
from registry.kit.errors import Misuse
from registry.kit.http.admission import PUBLIC
from registry.kit.http.writing import caller_of
from registry.kit.logging import log
from registry.kit.texts import gettext_for
from registry.policy.model import Controller
from registry.portal import own_data, pages
from registry.portal.answering import BODY_LIMIT, AppRequest, form_of, html, locale_of
from registry.portal.own_data import Desk

# Longer than the work ever takes for an address that we know: the time tells no more than the words.
ANSWER_SECONDS = 0.4
_LOG = log("portal")


@route(
    "/me",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    opt=PUBLIC,
    status_code=200,
    media_type=MediaType.HTML,
    sync_to_thread=False,
)
def ask(request: AppRequest) -> Response[str]:
    """The page that asks for an address."""
    workspace: Workspace = request.app.state.workspace
    chosen = request.query_params.get("controller")
    return html(_page(workspace, locale_of(request, controller=_controller(workspace, chosen)), chosen))


@post("/me", opt=PUBLIC, status_code=200, media_type=MediaType.HTML, request_max_body_size=BODY_LIMIT)
async def send(request: AppRequest) -> Response[str]:
    """Send a link to the choices and data of whoever has the address, if anybody does; the answer does not tell."""
    began = asyncio.get_running_loop().time()
    workspace: Workspace = request.app.state.workspace
    form = await form_of(request, "address.invalid")
    controller = _controller(workspace, form.get("controller"))
    locale = locale_of(request, form, controller=controller)
    _ = gettext_for(locale)
    try:
        identifier = normalise(Kind.EMAIL, form.get("email", ""))
    except Misuse:
        fault = _("This is no e-mail address. Please check it.")
        return html(_page(workspace, locale, form.get("controller"), fault))
    if controller is None:
        unsaid = [_("Your choice has not been recorded. Please try again later.")]
        page = pages.lines(locale, None, _("The request could not be read"), unsaid, _("Back"))
        return html(page, 400)
    desk = Desk(workspace.ring, workspace.policies, workspace.settings.base_url)
    try:
        await workspace.database.run(
            caller_of(request), lambda s: own_data.send_link(s, desk, controller, identifier, locale)
        )
    finally:
        await asyncio.sleep(began + ANSWER_SECONDS - asyncio.get_running_loop().time())
    said = [
        _("If we know this address, an e-mail with a link is on its way there."),
        _(
            "Has nothing arrived after some minutes? Look among unwanted mail, or check the address and ask again."
        ),
    ]
    return html(pages.lines(locale, controller, _("Look into your mailbox"), said, _("Back")))


def _controller(workspace: Workspace, chosen: str | None) -> Controller | None:
    offered = own_data.controllers(workspace.policies)
    if chosen is None and len(offered) == 1:
        return offered[0]
    return next((one for one in offered if one.id == chosen), None)


def _page(workspace: Workspace, locale: str, chosen: str | None, fault: str | None = None) -> str:
    _ = gettext_for(locale)
    offered = own_data.controllers(workspace.policies)
    controller = offered[0] if len(offered) == 1 else None
    return pages.page(
        "me.html",
        locale,
        controller,
        _("Your choices and your data"),
        controllers=offered,
        chosen=chosen,
        fault=fault,
    )
