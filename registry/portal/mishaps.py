"""Errors on pages: a person with a browser reads a page in their language, a program the problem document."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap

from registry.kit.http import problems
from registry.kit.texts import N_, gettext_for
from registry.portal import pages
from registry.portal.answering import html, locale_of

_HEADINGS = {
    HTTPStatus.NOT_FOUND: N_("Page not found"),
    HTTPStatus.TOO_MANY_REQUESTS: N_("Too many requests"),
}
_Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]


def _page(handler: _Handler) -> _Handler:
    def answer(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        told = handler(request, error)
        if "text/html" not in request.headers.get("accept", ""):
            return told
        status = told.status_code or HTTPStatus.INTERNAL_SERVER_ERROR
        locale = locale_of(request)
        _ = gettext_for(locale)
        heading = _HEADINGS.get(HTTPStatus(status))
        said = [_("Please try again in a minute.")]
        if heading is None:
            ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
            heading = N_("Something went wrong on our side") if ours else N_("The request could not be read")
            said = [_("Your choice has not been recorded. Please try again later.")]
        page = html(pages.lines(locale, None, _(heading), said), status)
        page.headers.update({name: value for name, value in told.headers.items() if name == "Retry-After"})
        return page

    return answer


HANDLERS: ExceptionHandlersMap = {error: _page(handler) for error, handler in problems.HANDLERS.items()}
