"""Examples of requests and answers for the OpenAPI document: each area keeps its own, beside its routes.

An area's module `examples` has `EXAMPLES`, by "METHOD /path" as the document writes it. Tests send every request to
the application, which must carry it out, and hold every answer to its schema; a route without an example fails one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Named = Mapping[str, Any]

# What stands for what an example is about, wherever ids are asked for; tests put real ones there.
CONTACT = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a01"
IDENTIFIER = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a02"
ENTRY = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a03"
DECISION = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a04"
PERMIT = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a05"
OTHER_PERMIT = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a06"
CAMPAIGN = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a07"
REQUEST = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a08"
GROUND = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a09"
OTHER_CONTACT = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a0a"
MERGE = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a0b"
TOKEN = "zgoda_permit_4Hh2nVqT0sYkLw8XcRb6JmPzUe3GdA1FxQ9o7K"
EMAIL = "anna.berzina@example.com"
CONTENT_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

# What any page or sheet looks like to a program.
OF_MEDIA: Mapping[str, str] = {
    "text/html": '<!doctype html><html lang="en"><title>…</title>…</html>',
    "text/css": "body { font: 1rem/1.5 system-ui }",
}


@dataclass(frozen=True)
class Example:
    """What one route is sent and what it answers, by name.

    `path` fills the template of its path in, `query` what follows it; `problems` are the codes of refusals that are
    its own; `answers` are those of success, whatever their status.
    """

    answers: Named = field(default_factory=dict)
    requests: Named = field(default_factory=dict)
    path: Named = field(default_factory=dict)
    query: Named = field(default_factory=dict)
    problems: tuple[str, ...] = ()


Examples = Mapping[str, Example]


def named(told: Named) -> dict[str, Any]:
    """The `examples` of a media type (OpenAPI 3.1 4.8.14)."""
    return {name.replace(" ", "_"): {"summary": name, "value": value} for name, value in told.items()}
