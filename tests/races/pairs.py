"""Pairs of writes about the same persons: what may be under way, and every way to say no meanwhile.

Of each pair the outcome is known by experiment: it is that of the one order or of the other.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents import acts, merging, readdressing
from registry.consents import service as ledger
from registry.consents.ledger import ANY, EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import registering
from registry.contacts import service as contacts
from registry.contacts.identifiers import Identifier, Kind, normalise
from registry.contacts.queries import Reference
from registry.contacts.service import NewContact, NewIdentifier
from registry.dispatch.tokens import OneClick, Preferences
from registry.gate import service as gate
from registry.gate.model import Question
from registry.kit.database import Role, Session
from registry.kit.ids import NIL
from registry.policy.model import Grade, Subscriber
from registry.portal import choosing
from registry.portal import service as portal
from registry.subject_requests import erasure, restriction
from tests.persons import CALLER, at

PURPOSE, CHANNEL = "newsletter", "email"
LONG_AGO = at("2026-01-10")


@dataclass(slots=True)
class Scene:
    """Anna has x, Clara z. In a `shared` one Berta has x and y; in a `merged` one she is Anna's other record."""

    workspace: Workspace
    tag: str
    people: dict[str, UUID] = field(default_factory=dict)
    link: UUID = NIL
    merge: UUID = NIL

    def address(self, name: str) -> Identifier:
        return normalise(Kind.EMAIL, f"{name}-{self.tag}@example.org")


Told = dict[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Work:
    """One write, in a transaction of a role."""

    do: Callable[[Scene, Session], Awaitable[object]]
    role: Role = Role.APP


async def scenes(workspace: Workspace, variant: str, tags: Sequence[str]) -> list[Scene]:
    """Scenes alike, of which nobody is in two; everybody allowed the newsletter at each of their addresses."""
    made = [Scene(workspace, tag) for tag in tags]
    async with workspace.database.begin(CALLER) as session:
        await _people(session, made, "A", "x")
        await _people(session, made, "C", "z")
        if variant != "alone":
            await _people(session, made, "B", "x", "y")
        for scene in made:
            await _allow(scene, session, *scene.people.values())
            (scene.link,) = await _assignments(session, scene.people["A"])
        if variant == "merged":
            for scene in made:
                scene.merge = (await _merge(scene, session, "A", "B")).id
    return made


async def _people(session: Session, made: Sequence[Scene], name: str, *addresses: str) -> None:
    new = [
        _new("test", *(NewIdentifier(scene.address(one)) for one in addresses), subscriber=Subscriber.NATURAL)
        for scene in made
    ]
    workspace = made[0].workspace
    ids = await contacts.create(session, workspace.ring, workspace.policies, new)
    for scene, one in zip(made, ids, strict=True):
        scene.people[name] = one


def _new(source: str, *identifiers: NewIdentifier, subscriber: Subscriber = Subscriber.UNKNOWN) -> NewContact:
    return NewContact(identifiers, source, country="LV", subscriber=subscriber)


async def _assignments(session: Session, contact_id: UUID) -> list[UUID]:
    rows = await session.all(
        "SELECT id FROM assignment WHERE contact_id = %s AND valid_to IS NULL ORDER BY id", (contact_id,)
    )
    return [row.id for row in rows]


async def _allow(scene: Scene, session: Session, *people: UUID, only: UUID | None = None) -> None:
    """A yes of long ago, which revives nothing."""
    yes = [
        NewEntry(
            one,
            EntryKind.GRANTED,
            PURPOSE,
            CHANNEL,
            Grade.FIRST_PARTY,
            "old list",
            assignment_id=assigned,
            acted_at=LONG_AGO,
            act="ticked",
            notice_version=1,
            notice_locale="en",
        )
        for one in people
        for assigned in ([only] if only else await _assignments(session, one))
    ]
    await ledger.record(session, scene.workspace.ring, scene.workspace.policies, yes)


async def outcomes(made: Sequence[Scene]) -> list[Told]:
    """What the gate says of each person at each address, by scene."""
    workspace = made[0].workspace
    people = [one for scene in made for one in scene.people.values()]
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT contact_id, id FROM assignment WHERE contact_id = ANY(%s) AND valid_to IS NULL ORDER BY id",
            (people,),
        )
        asked = [Question(row.contact_id, PURPOSE, CHANNEL, row.id) for row in rows]
        decisions = await gate.decide(session, workspace.policies, asked)
    by_person: dict[UUID, list[str]] = {}
    for row, decision in zip(rows, decisions, strict=True):
        by_person.setdefault(row.contact_id, []).append(decision.outcome.value)
    return [
        {
            (name, place): said
            for name, one in scene.people.items()
            for place, said in enumerate(by_person.get(one, ["gone"]))
        }
        for scene in made
    ]


async def _import(scene: Scene, session: Session) -> None:
    new = _new(
        "old list", *(NewIdentifier(scene.address(one)) for one in "xn"), subscriber=Subscriber.NATURAL
    )
    (one,) = await contacts.create(session, scene.workspace.ring, scene.workspace.policies, [new])
    scene.people["N"] = one
    await _allow(scene, session, one)


def _change(name: str, old: str, new: str) -> Work:
    async def change(scene: Scene, session: Session) -> None:
        ring, policies, one = scene.workspace.ring, scene.workspace.policies, scene.people[name]
        held = await readdressing.find(session, ring, one, scene.address(old))
        value = scene.address(new).value
        done = await readdressing.change_address(session, ring, policies, one, held, value, source="test")
        await _allow(scene, session, done.contact, only=done.identifier)

    return Work(change)


async def _merge(scene: Scene, session: Session, one: str, other: str) -> merging.Merge:
    ring, policies = scene.workspace.ring, scene.workspace.policies
    return await merging.merge(session, ring, policies, scene.people[one], scene.people[other], "same")


def _merging(one: str, other: str) -> Work:
    return Work(lambda scene, session: _merge(scene, session, one, other))


async def _unmerge(scene: Scene, session: Session) -> None:
    await merging.unmerge(session, scene.workspace.ring, scene.workspace.policies, scene.merge)


async def _enters(scene: Scene, session: Session) -> None:
    """A form that somebody whom we know fills in gives them the address as well."""
    new = _new("form", NewIdentifier(scene.address("x"), by_person=True))
    ring, policies = scene.workspace.ring, scene.workspace.policies
    entered = await registering.enter(session, ring, policies, new, scene.people["C"])
    await _allow(scene, session, entered.id, only=(await _assignments(session, entered.id))[-1])


def _reference(scene: Scene, who: str) -> Reference:
    return Reference(None, scene.address("x")) if who == "@x" else Reference(scene.people[who], None)


def _erase(who: str) -> Work:
    async def erase(scene: Scene, session: Session) -> None:
        ring, policies = scene.workspace.ring, scene.workspace.policies
        await erasure.erase(session, ring, policies, _reference(scene, who))

    return Work(erase, Role.RETENTION)


def _restrict(who: str) -> Work:
    async def restrict(scene: Scene, session: Session) -> None:
        await restriction.restrict(session, scene.workspace.ring, _reference(scene, who), "accuracy")

    return Work(restrict)


def _take_away(kind: EntryKind, who: str, purpose: str = PURPOSE, channel: str = CHANNEL) -> Work:
    async def take_away(scene: Scene, session: Session) -> None:
        ring, policies = scene.workspace.ring, scene.workspace.policies
        controller = policies.purposes[PURPOSE].controller
        no = NewEntry(NIL, kind, purpose, channel, Grade.FIRST_PARTY, "test", controller=controller)
        await acts.act(session, ring, policies, _reference(scene, who), no)

    return Work(take_away)


async def _click(scene: Scene, session: Session) -> None:
    policies = scene.workspace.policies
    token = OneClick(scene.people["A"], scene.link, policies.purpose_ids[PURPOSE])
    await portal.withdraw(session, scene.workspace.ring, policies, token)


def _page(scene: Scene) -> Preferences:
    return Preferences(scene.people["A"], scene.link, scene.workspace.policies.purpose_ids[PURPOSE], 0)


async def _take(scene: Scene, session: Session) -> None:
    ring, policies = scene.workspace.ring, scene.workspace.policies
    await choosing.take(session, ring, policies, _page(scene), policies.purposes[PURPOSE], CHANNEL, {})


async def _take_all(scene: Scene, session: Session) -> None:
    ring, policies = scene.workspace.ring, scene.workspace.policies
    controller = policies.controllers[policies.purposes[PURPOSE].controller]
    await choosing.take_all(session, ring, policies, _page(scene), controller, {})


# By the scene: what may be under way. `C z>x` is that Clara's address z becomes x.
UNDER_WAY: dict[str, dict[str, Work]] = {
    "alone": {
        "import": Work(_import),
        "C z>x": _change("C", "z", "x"),
        "A x>w": _change("A", "x", "w"),
        "merge A,C": _merging("A", "C"),
        "merge C,A": _merging("C", "A"),
        "erase A": _erase("A"),
        "C enters x": Work(_enters),
    },
    "shared": {
        "merge A,B": _merging("A", "B"),
        "merge B,A": _merging("B", "A"),
        "merge B,C": _merging("B", "C"),
        "erase B": _erase("B"),
        "erase A": _erase("A"),
        "B x>w": _change("B", "x", "w"),
        "A x>w": _change("A", "x", "w"),
        "C enters x": Work(_enters),
        "import": Work(_import),
    },
    "merged": {
        "unmerge": Work(_unmerge),
        "erase B": _erase("B"),
        "A x>w": _change("A", "x", "w"),
        "B y>x2": _change("B", "y", "x2"),
        "merge A,C": _merging("A", "C"),
        "C enters x": Work(_enters),
        "import": Work(_import),
    },
}
NOES: dict[str, Work] = {
    "withdraw @x": _take_away(EntryKind.WITHDRAWN, "@x"),
    "object to all @x": _take_away(EntryKind.OBJECTED, "@x", ANY, ANY),
    "withdraw A": _take_away(EntryKind.WITHDRAWN, "A"),
    "withdraw C": _take_away(EntryKind.WITHDRAWN, "C"),
    "one-click A": Work(_click),
    "take A": Work(_take),
    "take all A": Work(_take_all),
    "restrict @x": _restrict("@x"),
    "restrict A": _restrict("A"),
    "restrict C": _restrict("C"),
    "erase @x": _erase("@x"),
    "erase A": _erase("A"),
}
