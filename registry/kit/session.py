"""One transaction as its work sees it: statements in their order, of which some share a way there and back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, LiteralString, cast
from uuid import UUID

from psycopg import AsyncCursor, sql
from psycopg.errors import InFailedSqlTransaction
from psycopg.pq import TransactionStatus

from registry.kit import arrays, copying
from registry.kit.caller import Caller
from registry.kit.together import Connection, Statement

Row = Any
Params = Any
Check = Callable[[list[Row]], None]
# From so many rows on, COPY is the faster way in.
MANY_ROWS = 4

arrays.teach_driver()


def _literal(text: str) -> LiteralString:
    """SQL of ours: psycopg's types ask for a literal, so that nobody passes text that came from outside."""
    return cast(LiteralString, text)  # type: ignore[redundant-cast]  # mypy takes LiteralString for str


class Asked:
    """A statement that is sent with the next that somebody waits for, or with the commit; in the order asked.

    What it fails with is raised there. Nobody has to wait for it; `check` is called with its rows when they are there,
    and before the commit, so what it raises undoes everything.
    """

    __slots__ = ("_session", "check", "params", "rows", "statement")

    def __init__(self, session: "Session", statement: str, params: Params, check: Check | None) -> None:
        self._session = session
        self.statement = statement
        self.params = params
        self.check = check
        self.rows: list[Row] | None = None

    async def all(self) -> list[Row]:
        """Every row of the answer."""
        if self.rows is None:
            await self._session.send()
        if self.rows is None:
            raise RuntimeError("what was asked before it failed")
        return self.rows


@lru_cache(maxsize=64)
def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('%s' for _ in columns)})"


@dataclass(slots=True)
class Session:
    """One transaction. Rows are named tuples; SQL is text with `%(name)s`.

    `stale` collects the persons whose gate rows were locked for writing: what the gate reads about them is
    written anew before the commit, in this transaction, so no fact is ever ahead of its projection.
    """

    driver: Connection
    caller: Caller
    stale: set[UUID] = field(default_factory=set)
    # Persons made in this transaction: nothing of theirs can be there yet.
    fresh: set[UUID] = field(default_factory=set)
    # Persons locked here together with all their addresses: nobody else writes what follows from those.
    whole: set[UUID] = field(default_factory=set)
    # Address rows made in this transaction: nobody else can hold or change them.
    fresh_addresses: set[UUID] = field(default_factory=set)
    # Keys of those persons, as `registry.keys.persons` made them.
    fresh_keys: dict[UUID, Any] = field(default_factory=dict)
    # Of persons locked here of whom there are several records: which one stands for each (`registry.standing.merged`).
    merged: dict[UUID, UUID] = field(default_factory=dict)
    # Takings-away (ids and MACs only) that must be on disk outside the database before they are acknowledged.
    takings: list[dict[str, Any]] = field(default_factory=list)
    # What those takings-away put an end to, and what was past ending: `registry.standing.permits` fills them in, and
    # the answer to whoever said no tells them.
    voided: list[Any] = field(default_factory=list)
    in_flight: list[Any] = field(default_factory=list)
    # Entries that begin or end a double opt-in (`registry.consents.service.Step`): whoever opened the database mails
    # the confirmation when this transaction ends.
    steps: list[Any] = field(default_factory=list)
    # What this process read when it started was found to hold still, under this transaction's locks
    # (`registry.policy.in_force`).
    current: bool = False
    # Questions that were put ahead, so that they went with others, by what they ask.
    ahead: dict[object, Asked] = field(default_factory=dict)
    # By person locked here, the last sequence number that was given (`registry.standing.service`).
    last_seqs: dict[UUID, int] = field(default_factory=dict)
    # Asked and not sent yet.
    _waiting: list[Asked] = field(default_factory=list)

    def ask(self, statement: str, params: Params = None, *, check: Check | None = None) -> Asked:
        """A statement whose answer is not needed before the next: it goes out with that, in this order."""
        asked = Asked(self, statement, params, check)
        self._waiting.append(asked)
        return asked

    async def send(self, *, committing: bool = False) -> None:
        """Send what was asked, in one go; what fails first is raised, and then nothing after it was done."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        statements: list[Statement] = [(asked.statement, asked.params) for asked in waiting]
        if committing:
            statements.append(("COMMIT", None))
        for asked, rows in zip(waiting, await self.driver.together(statements), strict=False):
            asked.rows = rows
            if asked.check is not None:
                asked.check(rows)

    async def commit(self) -> None:
        """Commit, with what was asked and not sent; the commit is not tried where any of it fails."""
        if any(asked.check is not None for asked in self._waiting):
            await self.send()
        if self._waiting:
            await self.send(committing=True)
        elif self.driver.pgconn.transaction_status == TransactionStatus.INERROR:
            # The server would answer the commit by a rollback, and nobody would be told.
            raise InFailedSqlTransaction(
                "an error in this transaction was passed over: nothing of it is kept"
            )
        else:
            await self.driver.commit()

    async def add(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Append rows: few with the next statement, many by COPY. What they fail with is raised there."""
        if len(rows) >= MANY_ROWS:
            await self.copy(table, columns, rows)
            return
        statement = _insert(table, tuple(columns))
        for row in rows:
            self.ask(statement, row)

    async def execute(self, statement: str, params: Params = None) -> AsyncCursor[Row]:
        """Run one statement and return its cursor."""
        await self.send()
        return await self.driver.execute(_literal(statement), params)

    async def all(self, statement: str, params: Params = None) -> list[Row]:
        """Every row."""
        if self._waiting:
            return await self.ask(statement, params).all()
        return await (await self.execute(statement, params)).fetchall()

    async def all_binary(self, statement: str, params: Params = None) -> list[Row]:
        """Every row, in the protocol's binary form: ids and bytes come a quarter faster; for hot statements."""
        await self.send()
        return await (await self.driver.execute(_literal(statement), params, binary=True)).fetchall()

    async def first(self, statement: str, params: Params = None) -> Row | None:
        """The first row, or None."""
        if self._waiting:
            rows = await self.ask(statement, params).all()
            return rows[0] if rows else None
        return await (await self.execute(statement, params)).fetchone()

    async def one(self, statement: str, params: Params = None) -> Row:
        """The first row; LookupError when there is none."""
        row = await self.first(statement, params)
        if row is None:
            raise LookupError("a row was expected")
        return row

    async def value(self, statement: str, params: Params = None) -> Any:
        """The first column of the first row, or None."""
        row = await self.first(statement, params)
        return None if row is None else row[0]

    async def many(self, statement: str, rows: Iterable[Params]) -> None:
        """Run one statement for each of many parameter sets, pipelined."""
        await self.send()
        async with self.driver.cursor() as cursor:
            await cursor.executemany(_literal(statement), rows)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Append rows by COPY, the fastest way in; constraints and triggers hold as for INSERT."""
        await self.copy_lines(table, columns, copying.lines(rows))

    async def copy_lines(self, table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
        """The same with rows that are in the text form of COPY already, without their ends."""
        pieces = copying.pieces(lines)
        first = next(pieces, None)
        if first is None:
            return
        await self.send()
        target = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        async with self.driver.cursor() as cursor, cursor.copy(target) as copy:
            await copy.write(first)
            for piece in pieces:
                await copy.write(piece)
