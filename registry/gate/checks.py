"""One check at a time, answered many at a time: whoever asks while a query is under way shares the next one."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from registry.audit import batches as audit
from registry.audit import body
from registry.audit.batches import Draft
from registry.audit.body import Form
from registry.consents import devices
from registry.contacts import queries as contacts
from registry.contacts.identifiers import Identifier, Kind
from registry.contacts.queries import Holder, Reference
from registry.gate import evidence, records, service
from registry.gate.model import Decision, Question
from registry.keys import persons
from registry.keys.persons import Wrapped
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.ids import NIL
from registry.policy.model import PolicySet

BATCH = 500
LANES = 2
# Below this a statement more costs more than a lane that waits.
WORTH_SHARING = 100
# As which these decisions are kept.
KIND = "check"
# A connection is given back when nobody asked for so long: taking one out costs as much as a check.
LINGER_SECONDS = 0.1
# Every entry has its own check's caller; this one only holds the connection.
_CALLER = Caller("gate", "operation", "checks")
# Who cannot be anybody is asked about all the same, so that the answer is on record: contact.unknown.
NOBODY = Reference(NIL, None)
_JSON = msgspec.json.Encoder().encode


class Check(NamedTuple):
    """Somebody's question about a person named by a reference."""

    caller: Caller
    reference: Reference
    purpose: str
    channel: str
    assignment_id: UUID | None = None


_Waiting = tuple[Check, "asyncio.Future[Decision]"]


class Checks:
    """Coalesces checks: whoever asks while a lane is busy shares the next batch with all the others.

    A check's facts are read by a statement that started after the check arrived, so no answer is stale; its
    decision and its audit entry are committed before the answer goes out. While one lane waits for the database
    the other's questions are put and its answers sent.
    """

    def __init__(self, database: Database, ring: KeyRing, policies: PolicySet) -> None:
        self._database = database
        self._ring = ring
        self._policies = policies
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._lanes: set[asyncio.Task[None]] = set()
        self._idle = 0

    async def ask(self, check: Check) -> Decision:
        """The answer to one check; raises what the database raised, for it and for all that shared its batch."""
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.append((check, future))
        if self._idle:
            self._arrived.set()
        elif len(self._lanes) < LANES:
            self._lanes.add(asyncio.create_task(self._lane()))
        return await future

    async def _lane(self) -> None:
        """Answer for as long as somebody asks, over one connection."""
        try:
            while self._waiting:
                async with self._database.held(_CALLER) as session:
                    while not session.driver.closed and await self._somebody():
                        await self._answer(session, self._taken())
        except BaseException as error:
            waiting, self._waiting = self._waiting, []
            _fail(waiting, error)
            if not isinstance(error, Exception):
                raise
        finally:
            # Before anything else can run: whoever asks next starts a lane of their own.
            self._lanes.discard(asyncio.current_task())

    async def _somebody(self) -> bool:
        """Whether somebody asks, now or in a moment; requests that have arrived but were not read come along."""
        await asyncio.sleep(0)
        while not self._waiting:
            self._arrived.clear()
            self._idle += 1
            try:
                await asyncio.wait_for(self._arrived.wait(), LINGER_SECONDS)
            except TimeoutError:
                return False
            finally:
                self._idle -= 1
        return True

    def _taken(self) -> list[_Waiting]:
        """The next batch: all who wait, or the half of them when another lane has nothing to do.

        Lanes that took all in turn would each wait for the database while nobody works here.
        """
        waiting = len(self._waiting)
        size = (waiting + 1) // 2 if self._idle and waiting >= WORTH_SHARING else waiting
        batch, self._waiting = self._waiting[: min(size, BATCH)], self._waiting[min(size, BATCH) :]
        return batch

    async def _answer(self, session: Session, batch: list[_Waiting]) -> None:
        try:
            answers = await answer(session, self._ring, self._policies, [check for check, _ in batch])
        except Exception as error:
            if len(batch) == 1 or session.driver.closed:
                _fail(batch, error)
                return
            # One question that cannot be answered is nobody else's fault.
            for one in batch:
                await self._answer(session, [one])
        except BaseException as error:
            _fail(batch, error)
            raise
        else:
            for (_, future), decision in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(decision)


def _fail(waiting: Sequence[_Waiting], error: BaseException) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)


async def answer(
    session: Session, ring: KeyRing, policies: PolicySet, checks: Sequence[Check]
) -> list[Decision]:
    """Answer checks: references resolved, facts read, then decisions and an entry for each kept in one statement.

    Without a transaction around it the decisions are committed when this returns.
    """
    decided, held = await judge(session, ring, policies, checks)
    await audit.append_all(
        session,
        ring,
        _drafts(policies, checks, decided, held),
        beside=records.INSERT,
        params=records.parameters(decided, KIND),
    )
    return decided


async def judge(
    session: Session, ring: KeyRing, policies: PolicySet, checks: Sequence[Check]
) -> tuple[list[Decision], list[Wrapped | None]]:
    """The answers, in order, each with the keys of whom it is about; whoever calls keeps them before they go out."""
    at = clock.now()
    identifiers = [c.reference.identifier for c in checks if c.reference.identifier is not None]
    holders: dict[Identifier, list[Holder]] = {}
    tracked: dict[Identifier, UUID] = {}
    if identifiers:
        holders = await contacts.holders(session, ring, identifiers)
        tracked = await devices.find(session, ring, [i for i in identifiers if i.kind is Kind.DEVICE])
    questions: list[Question] = []
    refused: dict[int, str] = {}
    for place, check in enumerate(checks):
        identifier = check.reference.identifier
        if devices.decide(policies, check.purpose):
            question = _of_device(check, tracked)
        else:
            question = question_of(policies, check, holders[identifier] if identifier is not None else ())
        if isinstance(question, str):
            refused[place] = question
            question = Question(NIL, check.purpose, check.channel, check.assignment_id)
        questions.append(question)
    decided: list[Decision] = []
    held: list[Wrapped | None] = []
    unread: dict[int, UUID] = {}
    for place, (decision, row) in enumerate(
        await service.answers(session, policies, questions, at, keyed=True)
    ):
        reason = refused.get(place)
        if reason is not None and decision.reason not in ("purpose.unknown", "channel.unknown"):
            decision = service.refusal(policies, questions[place], reason, at)
        elif row is None:
            unread[place] = decision.contact_id
        decided.append(decision)
        held.append(None if row is None or row.wrapped is None else (row.epoch, row.wrapped))
    if unread:
        known = await persons.wrapped(session, unread.values())
        for place, contact_id in unread.items():
            held[place] = known.get(contact_id)
    return decided, held


def about(decided: Sequence[Decision], held: Sequence[Wrapped | None]) -> dict[UUID, Wrapped]:
    """Whom answers are about, each once, with the keys of those who have any."""
    return {one.contact_id: keys for one, keys in zip(decided, held, strict=True) if keys is not None}


def _drafts(
    policies: PolicySet,
    checks: Sequence[Check],
    decided: Sequence[Decision],
    held: Sequence[Wrapped | None],
) -> list[Draft]:
    """What the log says of each check: the words of the policy, and none that a caller made up; and what proves it."""
    forms: dict[tuple[object, ...], Form] = {}
    drafts: list[Draft] = []
    digests = evidence.raw_digests(decided, KIND)
    for check, decision, keys, digest in zip(checks, decided, held, digests, strict=True):
        caller = check.caller
        alike = (caller.actor, caller.purpose, caller.reason, check.purpose, check.channel, keys is None)
        form = forms.get(alike)
        if form is None:
            form = forms[alike] = _form(policies, check, about=keys is not None)
        said = (_JSON(decision.id)[1:-1], digest)
        drafts.append(Draft(form, said, caller.request_id, decision.contact_id, keys))
    return drafts


def _form(policies: PolicySet, check: Check, *, about: bool) -> Form:
    caller = check.caller
    known = check.purpose in policies.purposes and check.channel in policies.channels
    told = (("channel", check.channel), ("purpose", check.purpose)) if known else ()
    return body.form(
        "decision.check",
        caller.actor,
        caller.purpose,
        caller.reason,
        ("standing",),
        told,
        ("decision", "digest"),
        about=about,
    )


def _of_device(check: Check, tracked: Mapping[Identifier, UUID]) -> Question | str:
    """The question about the device that a reference names; a person allows and refuses nothing for it."""
    known = check.reference.contact_id
    if known is None and check.reference.identifier is not None:
        known = tracked.get(check.reference.identifier)
    return "contact.unknown" if known is None else Question(known, check.purpose, check.channel)


def question_of(policies: PolicySet, check: Check, holders: Sequence[Holder]) -> Question | str:
    """The question about one person, or why there is none."""
    reference = check.reference
    if reference.contact_id is not None:
        return Question(reference.contact_id, check.purpose, check.channel, check.assignment_id)
    if not holders:
        return "contact.unknown"
    if len({holder.contact_id for holder in holders}) > 1:
        return "contact.ambiguous"
    holder = holders[0]
    assignment_id = check.assignment_id
    channel = policies.channels.get(check.channel)
    assert reference.identifier is not None
    # Asked by an address of the channel's own kind, the answer is about that address and no other.
    if assignment_id is None and channel and channel.address == reference.identifier.kind.name.lower():
        assignment_id = holder.assignment_id
    return Question(holder.contact_id, check.purpose, check.channel, assignment_id)
