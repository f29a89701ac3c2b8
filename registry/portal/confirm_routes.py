"""HTTP for the second step of a double opt-in: `/p/c/<token>`. Only the button confirms; a fetched link does not."""

from litestar import HttpMethod, MediaType, Response, post, route
from litestar.params import FromPath

from registry.access.workspace import Workspace
from registry.dispatch.tokens import Confirmation, Preferences, open_confirmation, seal_preferences
from registry.kit import clock
from registry.kit.errors import Misuse
from registry.kit.http.admission import PUBLIC
from registry.kit.http.writing import caller_of
from registry.policy.model import PolicySet, Purpose
from registry.portal import confirming, notices, pages, service
from registry.portal.answering import BODY_LIMIT, AppRequest, evidence, form_of, html, locale_of
from registry.portal.confirming import Confirmed, Outcome


@route(
    "/c/{token:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    opt=PUBLIC,
    status_code=200,
    media_type=MediaType.HTML,
    sync_to_thread=False,
)
def ask(request: AppRequest, token: FromPath[str]) -> Response[str]:
    """The page with a button. Scanners and previews fetch links, so nothing is changed or even looked up."""
    workspace: Workspace = request.app.state.workspace
    policies = workspace.policies
    opened = open_confirmation(workspace.ring.token, token)
    if opened is None:
        return html(pages.nothing(locale_of(request)), 404)
    purpose = _purpose(policies, opened)
    locale = locale_of(request, controller=service.controller_of(policies, purpose))
    if purpose is None or confirming.is_over(purpose, opened, clock.now()):
        return html(pages.closed(policies, purpose, locale))
    return html(pages.confirm(policies, purpose, locale, notices.shown(policies, purpose, locale, 2)))


@post(
    "/c/{token:str}",
    opt=PUBLIC,
    status_code=200,
    media_type=MediaType.HTML,
    request_max_body_size=BODY_LIMIT,
)
async def confirm(request: AppRequest, token: FromPath[str]) -> Response[str]:
    """Confirm the one request that the link names; confirmed when this answers. The body is `confirm=yes`."""
    workspace: Workspace = request.app.state.workspace
    form = await form_of(request, "confirmation.invalid")
    if form.get("confirm") != "yes":
        raise Misuse("confirmation.invalid", "The body of this request is confirm=yes.", field="confirm")
    policies = workspace.policies
    opened = open_confirmation(workspace.ring.token, token)
    if opened is None:
        return html(pages.nothing(locale_of(request, form)), 404)
    controller = service.controller_of(policies, _purpose(policies, opened))
    locale = locale_of(request, form, controller=controller)
    seen = evidence(request, confirming.FORM, locale)
    done = await workspace.database.run(
        caller_of(request),
        lambda s: confirming.confirm(s, workspace.ring, policies, opened, clock.now(), seen),
    )
    return html(_page(workspace, opened, done, locale))


def _page(workspace: Workspace, token: Confirmation, done: Confirmed, locale: str) -> str:
    policies = workspace.policies
    purpose = _purpose(policies, token)
    if purpose is None or done.outcome is Outcome.CLOSED:
        return pages.closed(policies, purpose, locale)
    if done.outcome is Outcome.TAKEN_BACK:
        return pages.taken_back(policies, purpose, locale)
    choices = None
    if done.assignment_id is not None:
        # As fresh as the letter was that this link came in.
        issued = Preferences(token.contact_id, done.assignment_id, token.purpose_id, token.requested_at)
        choices = f"/p/prefs/{seal_preferences(workspace.ring.token, issued)}?lang={locale}"
    return pages.confirmed(
        policies, purpose, locale, already=done.outcome is Outcome.ALREADY, choices=choices
    )


def _purpose(policies: PolicySet, token: Confirmation) -> Purpose | None:
    name = next((name for name, number in policies.purpose_ids.items() if number == token.purpose_id), None)
    return None if name is None else policies.purposes.get(name)
