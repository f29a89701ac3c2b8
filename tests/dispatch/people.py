"""Persons, templates and campaigns for the tests of sending."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.campaigns.service import NewCampaign
from registry.consents import service as consents
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.dispatch.template_sources import TemplateSet, TemplateText
from registry.dispatch.tokens import OneClick
from registry.kit import clock
from registry.kit.caller import Caller
from registry.policy.model import Grade, Subscriber
from registry.portal import service as portal

TEXT = (
    "Hello {{ contact.first_name | default: 'you' }}\n"
    "{{ controller.name }}, {{ controller.address }}\n"
    "{{ unsubscribe_url }}\n"
)
HTML = (
    "<p>Hello {{ contact.first_name }}</p><p>{{ controller.name }}, {{ controller.address }}</p>"
    '<a href="{{ unsubscribe_url }}">no more</a>'
)
TEMPLATE = TemplateSet({"en": TemplateText("News for {{ contact.first_name }}", TEXT, HTML)}, "en")
PLAIN = TemplateSet({"en": TemplateText("Your answer", "Here it is.", "<p>Here it is.</p>")}, "en")
CALLER = Caller("operator", "operation", "test")


async def persons(
    workspace: Workspace, addresses: Iterable[str], *, granted: bool = True, locale: str = "en"
) -> list[UUID]:
    """Persons with one address each, who agreed to the newsletter by e-mail unless told otherwise."""
    new = [
        NewContact(
            [NewIdentifier(normalise(Kind.EMAIL, address))],
            "test",
            {"first_name": f"Anna {number}"},
            locale=locale,
            country="LV",
            subscriber=Subscriber.NATURAL,
        )
        for number, address in enumerate(addresses)
    ]
    async with workspace.database.begin(CALLER) as session:
        ids = await contacts.create(session, workspace.ring, workspace.policies, new)
        if granted:
            await grant(workspace, session, ids)
    return ids


async def grant(workspace: Workspace, session: consents.Session, ids: Sequence[UUID]) -> None:
    """Everybody in `ids` agrees to the newsletter at their address."""
    rows = await session.all(
        "SELECT contact_id, id FROM assignment WHERE contact_id = ANY(%s) AND valid_to IS NULL", (list(ids),)
    )
    entries = [
        NewEntry(
            row.contact_id,
            EntryKind.GRANTED,
            "newsletter",
            "email",
            Grade.FIRST_PARTY,
            "form",
            assignment_id=row.id,
            acted_at=clock.now() - timedelta(seconds=1),
            act="ticked",
            notice_version=1,
            notice_locale="en",
        )
        for row in rows
    ]
    await consents.record(session, workspace.ring, workspace.policies, entries)


async def campaign(
    workspace: Workspace,
    template: TemplateSet = TEMPLATE,
    purpose: str = "newsletter",
    contact_ids: Sequence[UUID] | None = None,
) -> UUID:
    """A campaign, made and filled."""
    new = NewCampaign(purpose, "email", template, contact_ids)
    async with workspace.database.begin(CALLER) as session:
        campaign_id = await campaigns.create(
            session, workspace.ring, workspace.policies, new, workspace.settings.base_url
        )
    await campaigns.fill(workspace.database, workspace.ring, workspace.policies, campaign_id, CALLER)
    return campaign_id


async def one_click(
    session: consents.Session, workspace: Workspace, contact_id: UUID, assignment_id: UUID
) -> None:
    """The link in a mail."""
    token = OneClick(contact_id, assignment_id, workspace.policies.purpose_ids["newsletter"])
    assert await portal.withdraw(session, workspace.ring, workspace.policies, token) is not None
