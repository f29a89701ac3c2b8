"""Small exports for the tests of this area: what a test does not say is as Mailchimp writes it."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.exchange import mapping
from registry.exchange.sample import EXTRA, MERGE, STANDARD

HEADER = (*MERGE, *STANDARD)
OPT_IN = "2025-05-05 12:00:00"
ATTESTED = {"notice": 1, "form": "signup", "time_zone": "UTC", "attested_by": "A. Officer"}


def row(email: str = "anna@poczta.example", **cells: str) -> dict[str, str]:
    """A subscriber with evidence; `name="Anna Nowak"` and `id="C1"` are short for the merge fields."""
    first, _, last = cells.pop("name", "").partition(" ")
    told = {
        "Email Address": email,
        "First Name": first,
        "Last Name": last,
        "CUSTOMER_ID": cells.pop("id", ""),
    }
    return {**told, "OPTIN_TIME": OPT_IN, "OPTIN_IP": "192.0.2.1", **cells}


def sheet(rows: Iterable[Mapping[str, str]], header: Sequence[str] = HEADER) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def archive(path: Path, **members: Iterable[Mapping[str, str]] | str | bytes) -> Path:
    """A zip with a file for each standing: rows, or what the file holds as it is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, rows in members.items():
            text = rows if isinstance(rows, str | bytes) else sheet(rows, (*HEADER, *EXTRA.get(name, ())))  # type: ignore[call-overload]  # any name may be tried
            # Of one date: the same members are the same file, whenever it is made.
            made.writestr(
                zipfile.ZipInfo(f"{name}_members_export_1.csv", (2026, 1, 1, 0, 0, 0)),
                text,
                zipfile.ZIP_DEFLATED,
            )
    return path


def told(**changes: Any) -> dict[str, Any]:
    """A mapping file's tables: newsletter by e-mail, attested."""
    return {
        "purpose": "newsletter",
        "channel": "email",
        "source": "mailchimp export",
        "columns": {"external_id": "CUSTOMER_ID"},
        "fields": {"first_name": "First Name", "last_name": "Last Name"},
        "attested": ATTESTED,
        **changes,
    }


def mailchimp(**changes: Any) -> mapping.Mapping:
    return mapping.parse(told(**changes), "mailchimp")


def plain(**changes: Any) -> mapping.Mapping:
    """For one CSV with the columns email, id, first, last, time, ip and left."""
    columns = {
        "email": "email",
        "external_id": "id",
        "opt_in_time": "time",
        "opt_in_address": "ip",
        "withdrawn_time": "left",
    }
    names = {"first_name": "first", "last_name": "last"}
    return mapping.parse(told(**{"columns": columns, "fields": names, **changes}), "csv")


PLAIN = ("email", "id", "first", "last", "time", "ip", "left")
