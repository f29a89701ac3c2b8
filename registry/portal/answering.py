"""What all pages share: language, headers, forms, and who may post them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from litestar import MediaType, Request, Response
from litestar.exceptions import ClientException

from registry.access.workspace import Workspace
from registry.kit.errors import Misuse
from registry.kit.http.writing import caller_of
from registry.kit.texts import DEFAULT, LOCALES, best_locale
from registry.policy.model import Controller, PolicySet
from registry.portal import linked

AppRequest = Request[Any, Any, Any]
BODY_LIMIT = 10_000

# Nothing but our own style sheet, and forms to ourselves: no script at all, not even ours.
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def html(text: str, status: int = 200) -> Response[str]:
    """A page with the headers of one."""
    return Response(
        text,
        media_type=MediaType.HTML,
        status_code=status,
        headers={"Content-Security-Policy": _POLICY, "Vary": "Accept-Language"},
    )


def locale_of(
    request: AppRequest,
    form: Mapping[str, str] | None = None,
    *,
    controller: Controller | None = None,
    person: str | None = None,
) -> str:
    """The language of a page, the same rule for each; of EN, LV, PL and RU the first that is said by

    form or link (`lang`), the browser (Accept-Language, RFC 9110, 12.5.4), the record of the person where the page
    looks them up anyway, the controller whose page it is, or the only one there is; else English.
    """
    chosen = (form or {}).get("lang") or request.query_params.get("lang")
    if chosen in LOCALES:
        return chosen
    workspace: Workspace = request.app.state.workspace
    known = tuple(workspace.policies.controllers.values())
    speaking = controller or (known[0] if len(known) == 1 else None)
    usual = (person or "").split("-")[0], *(speaking.locales if speaking else ()), DEFAULT
    default = next(one for one in usual if one in LOCALES)
    return best_locale(request.headers.get("accept-language"), default=default)


async def known_for(request: AppRequest, number: int) -> PolicySet:
    """The policies by which a link about the purpose of that number is answered; raises as `linked.policies_for`."""
    workspace: Workspace = request.app.state.workspace
    policies = workspace.policies
    if linked.is_known(policies, number):
        return policies
    return await workspace.database.run(
        caller_of(request), lambda session: linked.policies_for(session, policies, number)
    )


async def form_of(request: AppRequest, code: str) -> dict[str, str]:
    """The texts of a posted form; Misuse `code` where it is none, or where another site's page posted it.

    The token in the path is the credential, and no other site knows it; a browser's word that a request came from
    elsewhere is heeded all the same.
    """
    _require_own_page(request)
    return await texts_of(request, Misuse(code, "The body of this request is no form."))


async def texts_of(request: AppRequest, invalid: Misuse) -> dict[str, str]:
    """The texts of a posted form, in either of the two encodings; `invalid` where it is none."""
    try:
        form = await request.form()
    except ClientException:
        raise
    except Exception as error:
        raise invalid from error
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _require_own_page(request: AppRequest) -> None:
    """Refuse what a browser says came from elsewhere (Fetch Metadata; Origin where that is not known).

    Our pages send no referrer, and then browsers give `null` as the origin of their forms.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
    if foreign:
        raise Misuse("request.cross_site", "The form was posted by a page of another site.")


def evidence(request: AppRequest, form: str, locale: str) -> dict[str, str]:
    """What is kept, sealed, of how somebody said yes: form, language, program and address (GDPR art. 7(1))."""
    found = {"form": form, "locale": locale}
    if agent := request.headers.get("user-agent"):
        found["user_agent"] = agent[:500]
    if request.client is not None:
        found["ip"] = request.client.host
    return found
