"""From a campaign and a person to the exact bytes of a mail, and from what was kept back to the same bytes.

A campaign row keeps its template and its letterhead as they were; a message row keeps the person's values,
sealed under the person's own key. Both together give the mail again, byte for byte, for as long as the person
has keys.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from registry.dispatch import mime, templates, tokens
from registry.dispatch.letterhead import Letterhead
from registry.dispatch.template_sources import TemplateSet, from_json
from registry.dispatch.templates import Compiled, Rendered
from registry.kit.database import Session
from registry.kit.errors import Misuse, Refused
from registry.policy.model import PolicySet, Purpose, PurposeClass

# Where the links of a message lead; a token follows.
_PATHS = {
    templates.UNSUBSCRIBE_URL: "/p/u/",
    templates.PREFERENCES_URL: "/p/prefs/",
    templates.CONFIRM_URL: "/p/c/",
}


class NotAskedFor(Misuse):
    """A campaign under a purpose of class `requested`: nobody asked for it, whatever else they once asked for.

    One request would carry any number of messages, past an objection to all marketing (ePrivacy art. 13(1); LP-26).
    """

    def __init__(self) -> None:
        super().__init__(
            "campaign.requested_purpose",
            "No campaign goes out under a purpose of class requested.",
            field="purpose",
            mend="use a purpose of class marketing or service; letters that people ask for are written by the system",
        )


@dataclass(frozen=True, slots=True)
class Person:
    """What a mail to one person is made of: `fields` opened, by name; `locale` as recorded, or None."""

    contact_id: UUID
    assignment_id: UUID
    address: str
    locale: str | None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a letter of ours asks to confirm: its ledger entry, and when it was recorded."""

    entry_id: UUID
    purpose_id: int
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """One mail ready for the wire. `values` is what has to be kept, sealed, to make it again."""

    message_ref: str
    sender: str
    recipient: str
    content: bytes
    content_hash: bytes
    values: bytes


class Composer:
    """Makes the mails of one campaign; templates and frames are built once."""

    def __init__(
        self,
        campaign_id: UUID,
        letterhead: Letterhead,
        source: TemplateSet,
        compiled: Mapping[str, Compiled],
        fields: frozenset[str],
        fault: Misuse | None = None,
    ) -> None:
        self._fault = fault
        self._shows_choices = any(
            templates.PREFERENCES_URL in part
            for text in source.locales.values()
            for part in (text.subject, text.text, text.html)
        )
        self._source = source
        self._compiled = compiled
        self._letterhead = letterhead
        self._fields = fields
        self._frames = {
            locale: mime.frame(
                sender=(letterhead.sender_name, letterhead.sender_email),
                list_id=(self._title(locale), letterhead.list_id),
                one_click=letterhead.one_click,
                sample=text.subject + text.text + text.html,
                key=f"{campaign_id}/{locale}",
            )
            for locale, text in source.locales.items()
        }

    @classmethod
    def load(cls, campaign_id: UUID, template: Mapping[str, Any], class_: str | None) -> Self:
        """From the `template` of a campaign row, as `stored` wrote it; `class_` is that of its messages.

        What may not be sent (any more) can still be made again as it was sent.
        """
        source = from_json(template["source"])
        letterhead = Letterhead(**template["letterhead"])
        fields = frozenset(template["fields"])
        letter = template.get("letter", False)
        marketing = letterhead.one_click
        compiled = templates.compiled(source, fields=fields, marketing=marketing, letter=letter)
        fault: Misuse | None = None
        try:
            if class_ == PurposeClass.REQUESTED and not letter:
                raise NotAskedFor
            if marketing:
                templates.refuse_anonymous(compiled, fields)
        except Misuse as error:
            fault = error
        return cls(campaign_id, letterhead, source, compiled, fields, fault)

    def draft(
        self,
        message_id: UUID,
        person: Person,
        date: datetime,
        token_key: bytes,
        asked: Asked | None = None,
    ) -> Draft:
        """The mail for a person; `date` is the attempt's.

        Raises NotAskedFor, what `templates.refuse_anonymous` says, and Misuse when a value cannot stand where it
        belongs.
        """
        if self._fault is not None:
            raise self._fault.with_traceback(None)
        locale = self._source.choose(person.locale or self._source.fallback)
        kept: dict[str, Any] = {
            "address": person.address,
            "assignment": str(person.assignment_id),
            "date": date.isoformat(),
            "fields": {name: text for name, text in sorted(person.fields.items()) if name in self._fields},
            "locale": locale,
        }
        if asked is not None:
            kept["asked"] = [str(asked.entry_id), asked.purpose_id, int(asked.requested_at.timestamp())]
        return self._make(message_id, person.contact_id, kept, token_key)

    def again(self, message_id: UUID, contact_id: UUID, values: bytes, token_key: bytes) -> bytes:
        """The bytes that were sent, from the kept values."""
        return self._make(message_id, contact_id, json.loads(values), token_key).content

    def readable(self, values: bytes) -> dict[str, str]:
        """Subject and text as they were sent, for the person to read; the link, which is live, is cut out."""
        kept = json.loads(values)
        texts = self._texts(
            kept, {name: f"{self._letterhead.base_url}{path}..." for name, path in _PATHS.items()}
        )
        return {"subject": texts.subject, "text": texts.text}

    def _make(self, message_id: UUID, contact_id: UUID, kept: Mapping[str, Any], token_key: bytes) -> Draft:
        head = self._letterhead
        links = self._links(contact_id, kept, token_key)
        texts = self._texts(kept, links)
        frame = self._frames[kept["locale"]]
        content = frame.fill(
            message_id=message_id,
            to=kept["address"],
            subject=texts.subject,
            date=datetime.fromisoformat(kept["date"]),
            text=texts.text,
            html=texts.html,
            one_click=links.get(templates.UNSUBSCRIBE_URL),
        )
        return Draft(
            message_ref=frame.message_ref(message_id),
            sender=head.sender_email,
            recipient=kept["address"],
            content=content,
            content_hash=mime.content_hash(content),
            values=json.dumps(kept, ensure_ascii=False, sort_keys=True).encode(),
        )

    def _links(self, contact_id: UUID, kept: Mapping[str, Any], token_key: bytes) -> dict[str, str]:
        """The links of this one message, by variable; each is made only where it is needed."""
        head, assignment = self._letterhead, UUID(kept["assignment"])
        sealed: dict[str, str] = {}
        if head.one_click:
            one_click = tokens.OneClick(contact_id, assignment, head.purpose_id)
            sealed[templates.UNSUBSCRIBE_URL] = tokens.seal(token_key, one_click)
        if self._shows_choices:
            seconds = int(datetime.fromisoformat(kept["date"]).timestamp())
            choices = tokens.Preferences(contact_id, assignment, head.purpose_id, seconds)
            sealed[templates.PREFERENCES_URL] = tokens.seal_preferences(token_key, choices)
        if "asked" in kept:
            entry, purpose_id, seconds = kept["asked"]
            asked = tokens.Confirmation(contact_id, UUID(entry), purpose_id, seconds)
            sealed[templates.CONFIRM_URL] = tokens.seal_confirmation(token_key, asked)
        return {name: f"{head.base_url}{_PATHS[name]}{token}" for name, token in sealed.items()}

    def _texts(self, kept: Mapping[str, Any], links: Mapping[str, str]) -> Rendered:
        head, locale = self._letterhead, kept["locale"]
        values = {
            templates.CONTROLLER_NAME: head.controller_name,
            templates.CONTROLLER_ADDRESS: head.controller_address,
            "controller.contact": head.controller_contact,
            "purpose.title": self._title(locale),
            "address": kept["address"],
            **{name: links.get(name, "") for name in _PATHS},
            **{f"contact.{name}": text for name, text in kept["fields"].items()},
        }
        return self._compiled[locale].render(templates.nested(values, self._fields))

    def _title(self, locale: str) -> str:
        titles = self._letterhead.titles
        return titles.get(locale) or titles.get("en") or next(iter(titles.values()))


async def of_campaign(session: Session, campaign_id: UUID) -> Composer:
    """The composer of a campaign as it was made; Refused `campaign.unknown` when its row is gone."""
    row = await session.first(
        'SELECT c.template, (SELECT m.class FROM message m WHERE m.campaign_id = c.id LIMIT 1) AS "class_"'
        " FROM campaign c WHERE c.id = %s",
        (campaign_id,),
    )
    if row is None:
        raise Refused("campaign.unknown", "The campaign of the message is gone.")
    return Composer.load(campaign_id, row.template, row.class_)


def declared_fields(policies: PolicySet, purpose: str) -> frozenset[str]:
    """The contact fields that may be used for a purpose (GDPR art. 5(1)(b))."""
    return frozenset(field.id for field in policies.fields.values() if purpose in field.purposes)


def stored(
    policies: PolicySet, purpose: Purpose, source: TemplateSet, base_url: str, *, letter: bool = False
) -> dict[str, Any]:
    """Check a template for a purpose and give what the campaign row keeps of it; `letter` for one of our own.

    Raises NotAskedFor, Misuse as `templates.compile_set` does, and `template.locale_missing` when the fallback is
    missing.
    """
    if purpose.class_ is PurposeClass.REQUESTED and not letter:
        raise NotAskedFor
    fields = declared_fields(policies, purpose.id)
    templates.compile_set(source, fields=fields, marketing=purpose.is_marketing, letter=letter)
    letterhead = Letterhead.of(policies, purpose, base_url)
    if not letterhead.host:
        raise Misuse("url.invalid", "The base URL is no URL.", mend="set ZGODA_BASE_URL")
    return {
        "source": source.as_json(),
        "hash": source.digest(),
        "letterhead": letterhead.as_json(),
        "fields": sorted(fields),
        **({"letter": True} if letter else {}),
    }
