"""The command line: every command by name, its line in the list, and the place it is imported from when it is called.

Whoever writes a command adds its line here; a test compares the list with what it names.
"""

import gc
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import click

from registry import __version__
from registry.kit.late_commands import Late, LateGroup
from registry.kit.terminal import PURPOSE, REASON, Terminal, guard


def _late(place: str, line: str) -> Late:
    return Late(f"registry.{place}", line)


_CONSENT = LateGroup(
    "consent",
    help="The ledger of consents: grant, withdraw, object, refuse, history.",
    short_help="What persons said: grant, withdraw, object, refuse, history.",
    commands={
        "correct": _late("consents.mending_commands:correct", "Record that an entry was less than it says."),
        "grant": _late("consents.commands:grant", "Record that a person consented, for one address."),
        "history": _late("consents.commands:show_history", "Show a person's ledger, oldest first."),
        "invalidate": _late("consents.mending_commands:invalidate", "Record that a yes never was valid."),
        "object": _late("consents.commands:object_", "Record that a person objected."),
        "prove": _late("consents.commands:prove", "Print what proves an entry offline, as JSON."),
        "receipt": _late("consents.receipt_commands:receipt", "Print the signed receipt of an entry."),
        "refuse": _late("consents.commands:refuse", "Record that a person refused."),
        "verify": _late("consents.commands:verify", "Verify what `consent prove` printed, offline."),
        "verify-receipt": _late("consents.receipt_commands:verify", "Verify a receipt, offline."),
        "withdraw": _late("consents.commands:withdraw", "Record that a person withdrew consent."),
    },
)
_CONTACT = LateGroup(
    "contact",
    help="Persons: what is stored of them.",
    commands={
        "change-address": _late(
            "consents.merging_commands:change_address", "End an address and open another instead."
        ),
        "erase": _late("subject_requests.commands:erase", "Erase a person (GDPR art. 17)."),
        "export": _late("subject_requests.commands:export", "Give a person's data as JSON (GDPR art. 15)."),
        "merge": _late("consents.merging_commands:merge", "Make two records those of one person."),
        "merges": _late("consents.merging_commands:merges", "Show a person's merges, undone ones too."),
        "prefer": _late("contacts.commands:prefer", "Keep how a person would rather be reached."),
        "restrict": _late("subject_requests.commands:restrict", "Restrict the processing (GDPR art. 18)."),
        "show": _late("contacts.commands:show", "Show what is stored of a person."),
        "unmerge": _late("consents.merging_commands:unmerge", "Undo a merge; what said no holds for both."),
    },
)
_DECISION = LateGroup(
    "decision",
    help="What the gate decided: shown, proven, counted and listed over everybody.",
    short_help="What the gate decided: shown, proven, counted, listed.",
    commands={
        "counts": _late(
            "gate.past_commands:counts", "How many may be written to, by reason, now or earlier."
        ),
        "export": _late("gate.export_commands:export", "Everybody with the gate's answer, as lines of JSON."),
        "prove": _late("gate.evidence_commands:prove", "Print what proves a decision offline, as JSON."),
        "show": _late("gate.evidence_commands:show", "Show a decision as it was kept."),
        "verify": _late("gate.evidence_commands:verify", "Verify what `decision prove` printed, offline."),
    },
)
_POLICY = LateGroup(
    "policy",
    help=(
        "Policies: purposes, notices, channels, national rules. Check, test and compare them, and put them in force."
    ),
    commands={
        "apply": _late("gate.policy_commands:apply", "Put the policies of a folder in force."),
        "check": _late("gate.policy_commands:check", "Every problem of a folder with file, line and mend."),
        "diff": _late("gate.policy_commands:diff", "Who would be answered differently, and why."),
        "export": _late("policy.commands:export", "Write the files of a set into a folder."),
        "history": _late("policy.commands:history", "Every set that was put in force, the last one first."),
        "list": _late("policy.commands:list_", "The purposes in force."),
        "test": _late("gate.policy_commands:test", "Play the worked cases of a folder."),
    },
)


@click.group(
    cls=LateGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    commands={
        "apikey": _late("access.commands:apikey", "API keys: who may call, as which role, for what."),
        "audit": _late("audit.commands:audit", "The log of every change and every read."),
        "campaign": _late("campaigns.commands:campaign", "One message to everybody whom the gate permits."),
        "check": _late("gate.commands:check", "May a person be processed for a purpose on a channel?"),
        "collection": _late(
            "consents.collection_commands:collection", "The forms at which persons leave data."
        ),
        "consent": _CONSENT,
        "contact": _CONTACT,
        "decision": _DECISION,
        "demo": _late("demo.commands:demo", "A tour on invented people and real parts, and its figures."),
        "ground": _late("consents.ground_commands:ground", "Facts other than consent: sales, contracts."),
        "import": _late("exchange.commands:import_file", "Import contacts and their consents from a file."),
        "init": _late("founding:init", "Make the data folder, its keys and its database."),
        "keys": _late("subject_requests.commands:keys", "The key ring: epochs, and the export to keep safe."),
        "list": _late("exchange.list_commands:lists", "Lists of people who want no advertising."),
        "permit": _late(
            "gate.permits_commands:permit", "Leave for an engine outside to hand over one message."
        ),
        "policy": _POLICY,
        "request": _late(
            "subject_requests.commands:request", "Requests that came in over the persons' page."
        ),
        "retention": _late("subject_requests.commands:retention", "Terms after which data go."),
        "sample": _late("exchange.commands:make_sample", "Write an export of invented people to try with."),
        "serve": _late("serving:serve", "Serve the API, the persons' pages and the log, and send."),
        "worker": _late("serving:worker", "Seal the log and send what is due, without serving."),
    },
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder; also by ZGODA_DATA; else .zgoda here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print results as one JSON object.")
@click.option(
    "--purpose", default=PURPOSE, show_default=True, help="What personal data are read for; kept in the log."
)
@click.option("--reason", default=REASON, show_default=True, help="Why they are read; kept in the log.")
@click.version_option(__version__, prog_name="zgoda")
@click.pass_context
def zgoda(ctx: click.Context, data: Path | None, as_json: bool, purpose: str, reason: str) -> None:
    """Contacts, their consents, and the gate that every message passes.

    A REF is our id, email:ADDRESS, phone:NUMBER or external:ID.
    Exit codes: 0 done, 1 refused with a reason or found wrong, 2 wrong usage, 3 a permit redeemed in vain, 130
    interrupted.
    """
    from registry.kit import config, logging

    settings = config.load(data=data)
    logging.configure(settings.log_level)
    ctx.obj = Terminal(settings, as_json, purpose, reason, _opened)


def _opened(*args: Any, **named: Any) -> AbstractAsyncContextManager[Any]:
    from registry.opening import opened

    return opened(*args, **named)


def main() -> None:
    """The entry point `zgoda`."""
    # What a command imports stays: looking through it for rubbish, also at the end, took a fifth of a check's time.
    gc.set_threshold(50_000, 20, 50)
    code = guard(zgoda)
    gc.freeze()
    sys.exit(code)
