"""A campaign as a marketer writes it: one TOML file, with the template in it or beside it."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.dispatch.template_sources import TemplateSet, from_json, from_path, unreadable
from registry.kit.errors import Misuse

_KEYS = {"purpose", "channel", "template", "audience", "fallback"}


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """What a file says; `audience` is None for everybody, or the REFs that it lists."""

    purpose: str
    channel: str
    template: TemplateSet
    audience: Sequence[str] | None


def read(path: Path) -> CampaignFile:
    """Read `purpose`, `channel`, `template` (a folder or file beside this one, or tables `[template.en]`),
    `audience` ("all" or a list of REFs) and `fallback` (a locale).

    Raises Misuse `campaign.unreadable`, `campaign.invalid`, and the template's own.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = unreadable(error)
        raise Misuse("campaign.unreadable", f"{path.name} cannot be read: {why}.", field="FILE") from error
    if unknown := sorted(set(data) - _KEYS):
        raise Misuse("campaign.invalid", f"A campaign has no {', '.join(unknown)}.", field=unknown[0])
    for key in ("purpose", "channel", "template"):
        if key not in data:
            raise Misuse("campaign.invalid", f"The campaign lacks {key}.", field=key)
    if not isinstance(data["purpose"], str) or not isinstance(data["channel"], str):
        raise Misuse("campaign.invalid", "Purpose and channel are names.", field="purpose")
    return CampaignFile(
        data["purpose"], data["channel"], _template(path, data), _audience(data.get("audience", "all"))
    )


def _template(path: Path, data: dict[str, Any]) -> TemplateSet:
    template, fallback = data["template"], data.get("fallback")
    if isinstance(template, str):
        return from_path(path.parent / template, fallback)
    if not isinstance(template, dict):
        raise Misuse(
            "campaign.invalid", "The template is a path or a table for each locale.", field="template"
        )
    own = template.pop("fallback", None)
    return from_json({"locales": template, "fallback": fallback or own})


def _audience(value: object) -> Sequence[str] | None:
    if value == "all":
        return None
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return value
    raise Misuse(
        "campaign.invalid",
        "The audience is not understood.",
        field="audience",
        mend='write "all" or a list of REFs',
    )
