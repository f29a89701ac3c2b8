"""The mapping file: what a file's columns mean, for which purpose, and who answers for its evidence."""

from __future__ import annotations

import codecs
import difflib
import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from registry.kit.errors import Misuse

Format = Literal["mailchimp", "csv"]
Column = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(_Table):
    """Header of the column that holds each thing; what has none is not in the file."""

    email: Column | None = None
    phone: Column | None = None
    external_id: Column | None = None
    locale: Column | None = None
    country: Column | None = None
    opt_in_time: Column | None = None
    opt_in_address: Column | None = None
    confirm_time: Column | None = None
    withdrawn_time: Column | None = None
    cleaned_time: Column | None = None


class Attested(_Table):
    """What somebody vouches for; the grade is `attested` only with notice, form, time zone and a name."""

    notice: int | None = Field(default=None, ge=1, le=32_000)
    locale: Annotated[str, StringConstraints(pattern="^[a-z]{2}$")] | None = None
    form: Text | None = None
    time_zone: str | None = None
    attested_by: Text | None = None
    # What the same tick also accepted (terms, age, ...): such a yes is no consent (GDPR art. 7(2)).
    bundled_with: tuple[Text, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError):
                raise ValueError("is no time zone of the IANA database, such as Europe/Riga or UTC") from None
        return zone


class Status(_Table):
    """Where one file holds persons of every standing: the column, and its values for each standing."""

    column: Column
    subscribed: tuple[str, ...] = ()
    unsubscribed: tuple[str, ...] = ()
    # Reported a message as spam: an objection to all marketing of the controller.
    complained: tuple[str, ...] = ()
    cleaned: tuple[str, ...] = ()


class FileForm(_Table):
    """How the file is written, where it cannot be told from the file itself."""

    encoding: str | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    # As for strptime; without it ISO 8601, with a space or a T.
    time_format: str | None = None
    # For phone numbers without a country code: PL, LV...
    phone_region: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        if name is None:
            return None
        try:
            "x".encode(name)
            return codecs.lookup(name).name
        except (LookupError, TypeError, ValueError):
            raise ValueError("is no text encoding, such as utf-8, cp1250, cp1251 or cp1257") from None


@dataclass(frozen=True, slots=True)
class Attestation:
    """A complete `[attested]` table."""

    notice: int
    locale: str | None
    form: str
    zone: ZoneInfo
    attested_by: str
    bundled_with: tuple[str, ...]


class Mapping(_Table):
    """One mapping file, checked but for what only the policies know (purpose, channel, fields, notice)."""

    purpose: Text
    channel: Text
    # Named for every item of data in the access package (GDPR art. 14(2)(f), 15(1)(g)).
    source: Text
    # Whether the persons are natural or legal subscribers (ePrivacy 13(5)); unknown takes the strictest rule.
    subscriber: Literal["natural", "legal"] | None = None
    columns: Columns = Columns()
    fields: dict[str, Column] = {}
    attested: Attested = Attested()
    status: Status | None = None
    file: FileForm = FileForm()

    @property
    def attestation(self) -> Attestation | None:
        """What vouches for the evidence, or None: then the grade is `unknown`, which is never sendable."""
        told = self.attested
        if told.notice is None or told.form is None or told.time_zone is None or told.attested_by is None:
            return None
        zone = ZoneInfo(told.time_zone)
        return Attestation(told.notice, told.locale, told.form, zone, told.attested_by, told.bundled_with)

    @property
    def missing_attestation(self) -> tuple[str, ...]:
        """The keys of `[attested]` without which nothing in the file is evidence."""
        told = self.attested
        return tuple(
            key for key in ("notice", "form", "time_zone", "attested_by") if getattr(told, key) is None
        )

    def digest(self, form: Format) -> bytes:
        """32 bytes that are equal for equal meaning: an interrupted import goes on only under the same mapping."""
        return hashlib.sha256(f"{form}\n{self.model_dump_json()}".encode()).digest()


class _MailchimpColumns(Columns):
    """The names in Mailchimp's exports; what a mapping itself names is in `model_fields_set`."""

    email: Column | None = "Email Address"
    opt_in_time: Column | None = "OPTIN_TIME"
    opt_in_address: Column | None = "OPTIN_IP"
    confirm_time: Column | None = "CONFIRM_TIME"
    withdrawn_time: Column | None = "UNSUB_TIME"
    cleaned_time: Column | None = "CLEAN_TIME"


class _MailchimpMapping(Mapping):
    columns: _MailchimpColumns = _MailchimpColumns()


def load(path: Path, form: Format) -> Mapping:
    """Read a mapping file. Misuse `mapping.unreadable` or `mapping.invalid` says which key and how to mend it."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misuse("mapping.unreadable", f"{path.name}: {error.strerror or 'cannot be read'}.") from None
    except UnicodeDecodeError:
        raise Misuse("mapping.unreadable", f"{path.name} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise Misuse("mapping.unreadable", f"{path.name} is not TOML: {error}.") from None
    return parse(told, form)


def parse(told: dict[str, Any], form: Format) -> Mapping:
    """A mapping from its TOML tables; Mailchimp's own column names hold where the mapping names none."""
    told = dict(told)
    attested = told.get("attested")
    if (
        isinstance(attested, dict)
        and isinstance(notice := attested.get("notice"), str)
        and notice.isdecimal()
    ):
        told["attested"] = {**attested, "notice": int(notice)}
    try:
        return (_MailchimpMapping if form == "mailchimp" else Mapping).model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _explained(tuple(str(part) for part in first["loc"]), first["type"], first["msg"]) from None


def _explained(place: tuple[str, ...], kind: str, message: str) -> Misuse:
    key = ".".join(place)
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _names_at(place[:-1]), n=1, cutoff=0.5)
        mend = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(_names_at(place[:-1]))}"
        return Misuse("mapping.invalid", f"Unknown key {key} in the mapping.", field=key, mend=mend)
    if kind == "missing":
        why = " (a row without a source is refused)" if key == "source" else ""
        return Misuse(
            "mapping.invalid", f"The mapping lacks {key}{why}.", field=key, mend=f'write {key} = "..."'
        )
    said = message.removeprefix("Value error, ")
    return Misuse("mapping.invalid", f"In the mapping, {key}: {said}.", field=key)


def _names_at(place: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Mapping
    tables: dict[str, type[BaseModel]] = {
        "columns": Columns,
        "attested": Attested,
        "status": Status,
        "file": FileForm,
    }
    for part in place:
        model = tables.get(part, model)
    return list(model.model_fields)
