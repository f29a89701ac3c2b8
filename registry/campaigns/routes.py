"""HTTP for campaigns: made and sent in one call, and shown."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from registry.access.guard import principal_of, rights_of
from registry.access.workspace import Workspace
from registry.campaigns import service
from registry.campaigns.schemas import Campaign, NewCampaign
from registry.dispatch.template_sources import from_json
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.http.admission import needs
from registry.kit.http.writing import caller_of, write

AppRequest = Request[Any, Any, Any]


@post("/", opt=needs("campaign.create"), status_code=202)
async def create(request: AppRequest, data: JSONBody[NewCampaign]) -> Response[Campaign]:
    """Make a campaign; the messages to everybody whom the gate permits are queued from now on.

    The worker asks about the audience and sends; each person is asked about once more at the hand-off itself.
    """
    workspace: Workspace = request.app.state.workspace
    rights_of(request).require(principal_of(request), "campaign.create", purpose=data.purpose)
    try:
        template = from_json(msgspec.to_builtins(data.template))
    except Refused as error:
        error.field = f"/template/{error.field}" if error.field else "/template"
        raise
    people = None if isinstance(data.audience, str) else data.audience
    new = service.NewCampaign(data.purpose, data.channel, template, people)

    async def work(session: Session) -> Campaign:
        campaign_id = await service.create(
            session, workspace.ring, workspace.policies, new, workspace.settings.base_url
        )
        return await service.show(session, campaign_id)

    return await write(request, workspace.database, workspace.ring.token, work, status=202)


@get("/{campaign_id:uuid}", opt=needs("campaign.read"))
async def show(request: AppRequest, campaign_id: FromPath[UUID]) -> Campaign:
    """A campaign and what became of its messages, by state and reason."""
    workspace: Workspace = request.app.state.workspace
    async with workspace.database.begin(caller_of(request)) as session:
        purpose = await service.purpose_of(session, campaign_id)
        rights_of(request).require(principal_of(request), "campaign.read", purpose=purpose)
        return await service.show(session, campaign_id)


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area."""
    return [Router("/api/v1/campaigns", route_handlers=[create, show], tags=["campaigns"])]
