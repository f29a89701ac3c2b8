"""The tour, step by step: each does one thing through the public interface and notes what it found outside."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from registry.demo import campaign
from registry.demo.outside import Api, Commands, StepFailed, unsubscribe_link
from registry.demo.residue import Residue
from registry.demo.truth import Truth
from registry.dispatch.sink import Received, Sink, sink
from registry.subject_requests.residue import Wanted

SEED = 7
WITHDRAWING = 40
ERASED = 5
SEALED = frozenset({"first_name", "last_name", "city"})
SENDING_SECONDS = 1800

Tell = Callable[[str], None]


@dataclass(slots=True)
class Tour:
    """One tour on one data folder; `outside` holds what lies outside it: the sample, the mailbox, the copy."""

    data: Path
    outside: Path
    people: int
    tell: Tell
    figures: dict[str, Any] = field(default_factory=dict)

    async def run(self) -> dict[str, Any]:
        """Every step; returns the figures. StepFailed when a step does not do what it should."""
        began = time.monotonic()
        zgoda = Commands(self.data)
        made = await zgoda.run("init")
        self.tell(f"Initialised {self.data}")
        truth = await self._import(zgoda)
        async with sink(self.outside / "mailbox.jsonl") as mailbox, zgoda.serving(mailbox.url) as base:
            api = Api(base, made["admin_key"])
            first = await self._ask(api, truth)
            self.figures.update(first)
            mails = await self._send(zgoda, mailbox, "October", first["permitted"])
            self.figures.update(self._delivered(truth, mails))
            await self._withdraw(api, truth, mails)
            again = await self._ask(api, truth)
            more = await self._send(zgoda, mailbox, "November", again["permitted"])
            self.figures["second"] = {**again, **self._delivered(truth, more)}
            await self._rights(zgoda, api, truth)
        await self._log(zgoda, made["log_vkey"])
        self.figures["seconds"] = round(time.monotonic() - began, 1)
        return self.figures

    async def _import(self, zgoda: Commands) -> Truth:
        sample = self.outside / "people.zip"
        await zgoda.run("sample", "--people", str(self.people), "--seed", str(SEED), "--out", str(sample))
        truth = Truth.read(Path(f"{sample}.truth.json"))
        self.tell(f"Made a Mailchimp export of {self.people} persons, and the truth about each")
        done = await self._imported(zgoda)
        self.figures.update(
            imported=done["created"],
            rejected=sum(done["rejected"].values())
            if isinstance(done["rejected"], dict)
            else done["rejected"],
            unknown_origin=truth.counts["unknown_origin"],
        )
        self.tell(
            f"Imported {self.figures['imported']} persons; {self.figures['rejected']} rows rejected, each with a reason"
        )
        return truth

    async def _imported(self, zgoda: Commands) -> dict[str, Any]:
        sample = self.outside / "people.zip"
        return await zgoda.run(
            "import", str(sample), "--format", "mailchimp", "--mapping", f"{sample}.mapping.toml"
        )

    async def _ask(self, api: Api, truth: Truth) -> dict[str, Any]:
        """The gate's answer about everybody, in one statement."""
        answer = await api.post(
            "/api/v1/decisions",
            {"purpose": "newsletter", "channel": "email", "audience": "all"},
        )
        if answer["permitted"] != truth.permitted():
            raise StepFailed("gate", f"{answer['permitted']} permitted, the truth says {truth.permitted()}")
        blocked = ", ".join(f"{number} {reason}" for reason, number in sorted(answer["blocked"].items()))
        self.tell(f"The gate permits {answer['permitted']} and blocks: {blocked}")
        return {"permitted": answer["permitted"], "blocked": answer["blocked"]}

    async def _send(self, zgoda: Commands, mailbox: Sink, month: str, expected: int) -> list[Received]:
        """A campaign to everybody; returns the mails that the SMTP server took."""
        before = mailbox.count()
        file = campaign.write(self.outside / f"{month.lower()}.toml", month)
        made = await zgoda.run("campaign", "send", str(file))
        deadline = time.monotonic() + SENDING_SECONDS
        while (shown := await zgoda.run("campaign", "show", made["id"]))["state"] != "done":
            if time.monotonic() > deadline:
                raise StepFailed("campaign", "it did not end")
            await asyncio.sleep(1)
        if set(shown["messages"]) - {"handed_over"} or shown["permitted"] != expected:
            raise StepFailed("campaign", f"messages by state: {shown['messages']}")
        mails = list(mailbox.received())[before:]
        self.tell(f"Campaign {month}: the SMTP server took {len(mails)} mails")
        return mails

    @staticmethod
    def _delivered(truth: Truth, mails: list[Received]) -> dict[str, int]:
        addresses = [address for mail in mails for address in mail.recipients]
        return {
            "delivered": len(addresses),
            "delivered_to_blocked": truth.to_blocked(addresses) + truth.repeated(addresses),
        }

    async def _withdraw(self, api: Api, truth: Truth, mails: list[Received]) -> None:
        """Some readers click "unsubscribe" in the mail they got."""
        step = max(1, len(mails) // WITHDRAWING)
        for mail in mails[::step]:
            (address,) = mail.recipients
            if truth.may_leave(address):
                await api.unsubscribe(unsubscribe_link(mail))
                truth.leave(address)
        self.figures["withdrawn"] = len(truth.left)
        self.tell(f"{len(truth.left)} readers unsubscribed with one click")

    @staticmethod
    def _alone(truth: Truth) -> list[dict[str, Any]]:
        """Permitted persons whose addresses nobody shares, and who did not leave."""
        return [
            person
            for number, person in enumerate(truth.people)
            if person["external_id"]
            and person["permitted"]
            and number not in truth.left
            and all(len(truth.holders[address]) == 1 for address in person["addresses"])
        ]

    async def _rights(self, zgoda: Commands, api: Api, truth: Truth) -> None:
        """Access, then erasure with everything that it must reach, then the same import again."""
        chosen = [f"external:{person['external_id']}" for person in self._alone(truth)[:ERASED]]
        packages = [await zgoda.run("contact", "export", reference) for reference in chosen]
        size = len(json.dumps(packages[0], ensure_ascii=False).encode())
        self.figures["access_package"] = {"items": packages[0]["items"], "bytes": size}
        self.tell(f"Access package of one person: {packages[0]['items']} items, {size} bytes")
        values = {wanted for package in packages for wanted in _typed(package)}
        async with self._residue(zgoda) as residue:
            texts = {wanted.text for wanted in values}
            if missed := texts - await residue.found(values):
                raise StepFailed("scan", f"{len(missed)} values were not found before the erasure")
            for reference in chosen:
                await zgoda.run("contact", "erase", reference)
            await zgoda.run("keys", "rotate", "--export", str(self.outside / "keys.json"))
            after = await residue.found(values)
        self.figures["erased"] = len(chosen)
        self.figures["plaintext_found_after_erasure"] = len(after)
        self.tell(
            f"Erased {len(chosen)} persons: of their {len(texts)} values, all found in data folder, WAL and an "
            f"earlier copy before, {len(after)} can be read now"
        )
        await self._imported(zgoda)
        subjects = [
            {one["kind"]: one["value"]}
            for package in packages
            for one in package["data"]["contacts"]["identifiers"]
        ]
        sendable = 0
        for subject in subjects:
            question = {"purpose": "newsletter", "channel": "email", "subject": subject}
            sendable += (await api.post("/api/v1/decisions", question))["outcome"] == "permit"
        self.figures["sendable_after_reimport"] = sendable
        self.tell(f"The same file imported again: {sendable} of the erased can be written to")

    @asynccontextmanager
    async def _residue(self, zgoda: Commands) -> AsyncIterator[Residue]:
        """The scan over the data folder and a copy of the database made before the erasure."""
        residue = Residue(self.data, self.outside / "earlier-copy")
        await residue.copy()
        try:
            yield residue
        finally:
            shutil.rmtree(residue.copied, ignore_errors=True)

    async def _log(self, zgoda: Commands, vkey: str) -> None:
        """The log, exported and verified with no database; then one byte of it changed."""
        exported = self.outside / "log.jsonl"
        await zgoda.run("audit", "export", str(exported))
        report = await zgoda.run("audit", "verify", str(exported), "--key", vkey)
        forged = self.outside / "forged.jsonl"
        forged.write_bytes(_forged(exported.read_bytes()))
        detected = await zgoda.run("audit", "verify", str(forged), "--key", vkey, expect=1)
        self.figures["audit"] = {
            "entries": report["entries"],
            "size": report["size"],
            "root": report["root"],
            "verified": report["verified"],
            "tampered_detected": detected.get("verified") is False and bool(detected.get("tampered")),
        }
        self.tell(
            f"The log: {report['entries']} entries, verified offline; one changed entry was "
            f"{'found' if self.figures['audit']['tampered_detected'] else 'NOT found'}"
        )


def _typed(package: dict[str, Any]) -> set[Wanted]:
    """What somebody typed about a person: identifiers, and fields, which others may have alike."""
    data, owner = package["data"]["contacts"], UUID(package["contact"])
    fields = {Wanted(one["value"], owner) for one in data["fields"] if one["field"] in SEALED}
    return fields | {Wanted(one["value"], owner) for one in data["identifiers"]}


def _forged(exported: bytes) -> bytes:
    """The export with another reason in one of its entries, as somebody would who had something to hide."""
    lines = exported.split(b"\n")
    for place, line in enumerate(lines):
        if b"contact.erase" in line:
            lines[place] = line.replace(b"contact.erase", b"contact.shown", 1)
            return b"\n".join(lines)
    raise StepFailed("audit", "the erasure is not in the log")
