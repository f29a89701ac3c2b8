"""Settings: everything that an installation may choose, read once from `ZGODA_*` and the command line."""

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from registry.kit.errors import Misuse

DEFAULT_DATA = Path(".zgoda")


class Settings(BaseModel):
    """One installation. `docs/reference/settings.md` names every field; a test holds it to that."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    data: Path = Field(
        default=DEFAULT_DATA, description="The data folder: key ring, journal, exports, embedded PostgreSQL."
    )
    database_url: str | None = Field(
        default=None,
        description="A PostgreSQL 15 or later, as the owner of the schema, direct; without it the embedded one.",
    )
    app_url: str | None = Field(
        default=None,
        description="The same database as the application's role; PgBouncer may stand before it.",
    )
    retention_url: str | None = Field(
        default=None, description="The same database as the role that deletes by policy term."
    )
    policies: Path | None = Field(
        default=None,
        description="The folder that the first policies come from; without it the one that ships with Zgoda.",
    )
    base_url: str = Field(
        default="http://127.0.0.1:8400",
        description="Where persons reach the pages whose links stand in mails.",
    )
    relay_queue_hours: int = Field(
        default=120,
        ge=0,
        description="How long the mail relay keeps trying what it has accepted; told to whoever withdraws.",
    )
    smtp: str | None = Field(default=None, description="The mail relay, as smtp://host:port.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level of what is logged to stderr."
    )
    debug: bool = Field(
        default=False, description="Show tracebacks; they may hold personal data, so never in production."
    )

    @model_validator(mode="before")
    @classmethod
    def _environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        """What was not chosen comes from `ZGODA_<NAME>`, unless that is empty."""
        found = {
            name: value for name in cls.model_fields if (value := os.environ.get(f"ZGODA_{name.upper()}"))
        }
        return {**found, **given}

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        """Links stand in mails and AuthZEN compares it to the letter, so it is an address and nothing more."""
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be https://host, with a path or none, and without query or fragment")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _all_three_urls(self) -> "Settings":
        if self.database_url and not (self.app_url and self.retention_url):
            raise ValueError("ZGODA_DATABASE_URL needs ZGODA_APP_URL and ZGODA_RETENTION_URL beside it")
        return self

    @property
    def embedded(self) -> bool:
        """Whether the PostgreSQL is the one in the data folder."""
        return self.database_url is None

    @property
    def address_file(self) -> Path:
        """Where `serve` writes down on which address it answers, for links when no `base_url` is set."""
        return self.data / "address"

    def addressed(self) -> "Settings":
        """These settings with the address of the last `serve`, unless a `base_url` was set."""
        if "base_url" in self.model_fields_set or not self.address_file.exists():
            return self
        return self.model_copy(update={"base_url": self.address_file.read_text().strip()})

    @property
    def keys_folder(self) -> Path:
        """The key ring: one file a key, mode 0600; never in the same backup as the database."""
        return self.data / "keys"

    @property
    def journal_folder(self) -> Path:
        """Takings-away and erasures, on disk before they are acknowledged."""
        return self.data / "journal"

    @property
    def exports_folder(self) -> Path:
        """Where exports go that name no place of their own."""
        return self.data / "exports"


def load(**chosen: object) -> Settings:
    """Settings from the environment, with `chosen` (command line; None means not chosen) above it.

    Raises Misuse `setting.invalid`, which names the setting and not its value: a URL holds a password.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        said = first["msg"].removeprefix("Value error, ")
        raise Misuse("setting.invalid", f"ZGODA_{name}: {said}" if name else said) from None
