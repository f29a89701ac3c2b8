"""Whatever was under way when somebody said no, it ends as if the one had come after the other, whichever."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

import psycopg
import pytest
import pytest_asyncio

from registry.access.workspace import Workspace
from registry.contacts import naming, queries
from registry.contacts import service as contacts
from registry.contacts.naming import Named
from registry.keys.ring import KeyRing
from registry.kit.database import Role, Session
from registry.kit.errors import Refused
from tests.persons import CALLER
from tests.races.pairs import NOES, UNDER_WAY, Scene, Told, Work, outcomes, scenes

# Said of what went with a person who was erased: under the person's lock they are gone themselves.
ALIKE = {"identifier.unknown": "contact.unknown", "merge.unknown": "contact.unknown"}
PATIENCE = 20
AT_ONCE = 3
# In order, and at once: the first is under way, the second finds it so.
ORDERS = ("work, no", "no, work", "work | no", "no | work")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers to the work and to the no, and what the gate says after both."""

    work: str
    no: str
    told: Told


@pytest_asyncio.fixture
async def wide(workspace: Workspace) -> AsyncIterator[Workspace]:
    """The installation, where several may erase at once."""
    workspace.database._sizes[Role.RETENTION] = 2 * AT_ONCE
    yield workspace


async def _answer(scene: Scene, work: Work, backends: list[int]) -> str:
    async def do(session: Session) -> None:
        backends.append(session.driver.info.backend_pid)
        await work.do(scene, session)

    try:
        await scene.workspace.database.run(CALLER, do, role=work.role)
    except Refused as refused:
        return ALIKE.get(refused.code, refused.code)
    except psycopg.Error as error:
        return f"PostgreSQL: {error.sqlstate}"
    return "done"


async def _overlapping(scene: Scene, first: Work, second: Work) -> tuple[str, str]:
    """Commit `first` when `second` waits for it, or is done."""
    database, backends = scene.workspace.database, list[int]()
    task = None
    try:
        async with database.begin(CALLER, first.role) as session:
            await first.do(scene, session)
            await session.send()
            task = asyncio.create_task(_answer(scene, second, backends))
            async with database.held(CALLER) as watching, asyncio.timeout(PATIENCE):
                while not task.done() and not (
                    backends
                    and await watching.value("SELECT cardinality(pg_blocking_pids(%s))", (backends[-1],))
                ):
                    await asyncio.sleep(0.002)
        answer = "done"
    except Refused as refused:
        answer = ALIKE.get(refused.code, refused.code)
    except psycopg.Error as error:
        answer = f"PostgreSQL: {error.sqlstate}"
    return answer, await (task or _answer(scene, second, backends))


async def _played(scene: Scene, order: str, work: Work, no: Work) -> tuple[str, str]:
    match order:
        case "work, no":
            return await _answer(scene, work, []), await _answer(scene, no, [])
        case "no, work":
            answer = await _answer(scene, no, [])
            return await _answer(scene, work, []), answer
        case "work | no":
            return await _overlapping(scene, work, no)
        case _:
            answer, second = await _overlapping(scene, no, work)
            return second, answer


async def _unexplained(workspace: Workspace, variant: str, work: Work, noes: Iterable[str]) -> list[str]:
    """What came of both at once and of neither order."""
    plays = [(name, order) for name in noes for order in ORDERS]
    made = await scenes(workspace, variant, [str(number) for number in range(len(plays))])
    few = asyncio.Semaphore(AT_ONCE)

    async def play(scene: Scene, name: str, order: str) -> tuple[str, str]:
        async with few:
            return await _played(scene, order, work, NOES[name])

    answers = await asyncio.gather(*(play(scene, *one) for scene, one in zip(made, plays, strict=True)))
    told = await outcomes(made)
    found = {one: Outcome(*answer, said) for one, answer, said in zip(plays, answers, told, strict=True)}
    return [
        "\n  ".join([f"{name} [{order}]", *(f"{each}: {found[name, each]}" for each in (*ORDERS[:2], order))])
        for name, order in plays
        if found[name, order] not in (found[name, ORDERS[0]], found[name, ORDERS[1]])
    ]


@pytest.mark.law("LP-16")
@pytest.mark.parametrize(
    ("variant", "work"), [(one, work) for one, works in UNDER_WAY.items() for work in works]
)
async def test_a_no_ends_as_in_one_of_the_two_orders(wide: Workspace, variant: str, work: str) -> None:
    unexplained = await _unexplained(wide, variant, UNDER_WAY[variant][work], NOES)
    assert not unexplained, "\n".join(unexplained)


def _never_again(patch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> None:
        pass

    patch.setattr(naming, "again", nothing)


def _gone_is_gone(patch: pytest.MonkeyPatch) -> None:
    async def once(session: Session, ring: KeyRing, named: Named) -> object:
        locked = await contacts.lock(session, named.people, [named.address_id] if named.address_id else [])
        naming.again(session, ring, named)
        return locked

    patch.setattr(naming, "lock", once)


def _before_the_lock(patch: pytest.MonkeyPatch) -> None:
    lock = naming.lock

    async def looked(session: Session, ring: KeyRing, named: Named) -> object:
        if named.reference.identifier is not None:
            now = queries.told_holders(
                await queries.ask_holders(session, ring, named.reference.identifier).all()
            )
            if tuple(now) != named.holders:
                raise naming.Contended
        with pytest.MonkeyPatch.context() as within:
            _never_again(within)
            return await lock(session, ring, named)

    patch.setattr(naming, "lock", looked)


@pytest.mark.law("LP-16")
@pytest.mark.parametrize(
    ("mutant", "variant", "work", "no"),
    [
        pytest.param(_never_again, "merged", "unmerge", "withdraw @x", id="never looked again"),
        pytest.param(
            _before_the_lock, "alone", "C enters x", "restrict @x", id="looked again before the lock"
        ),
        pytest.param(_gone_is_gone, "shared", "erase B", "withdraw @x", id="one of them is gone, so all are"),
    ],
)
async def test_there_is_no_order_for_what_a_wrong_way_does(
    wide: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    mutant: Callable[[pytest.MonkeyPatch], None],
    variant: str,
    work: str,
    no: str,
) -> None:
    mutant(monkeypatch)
    assert await _unexplained(wide, variant, UNDER_WAY[variant][work], [no])
