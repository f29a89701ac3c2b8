"""Several statements in one way there and back: sent in one piece, run in their order, answered in one piece.

The driver's own pipeline wakes the server for each statement, which costs more than the statements do.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from psycopg import AsyncConnection, OperationalError, ProgrammingError
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow
from psycopg.waiting import Ready, Wait

# Beyond so many nothing more is kept prepared: hot paths have a few dozen statements.
_PREPARED = 200
_PLACE = re.compile(r"%(?:%|\((\w+)\)([sb])|([sb]))")
_FORMATS = {"s": PyFormat.AUTO, "b": PyFormat.BINARY}


class Parsed(NamedTuple):
    """A statement with its parameters numbered; `names` of those that are named, in the order of the numbers."""

    text: bytes
    names: tuple[str, ...]
    formats: tuple[PyFormat, ...]


@lru_cache(maxsize=512)
def parsed(statement: str) -> Parsed:
    """A statement of ours as the server takes it; a name that comes again is the same parameter."""
    names: list[str] = []
    formats: list[PyFormat] = []

    def numbered(found: re.Match[str]) -> str:
        name, named, plain = found.groups()
        if named is None and plain is None:
            return "%"
        if name is not None and name in names:
            return f"${names.index(name) + 1}"
        if name is not None:
            names.append(name)
        formats.append(_FORMATS[named or plain])
        return f"${len(formats)}"

    text = _PLACE.sub(numbered, statement).encode()
    return Parsed(text, tuple(names), tuple(formats))


Params = Mapping[str, Any] | Sequence[Any] | None
Statement = tuple[str, Params]


class Connection(AsyncConnection[Any]):
    """A connection that also takes several statements at once."""

    _together: "_Together | None" = None

    async def together(self, statements: Sequence[Statement]) -> list[list[TupleRow]]:
        """The rows that each of these statements answers, as named tuples; none for one that answers nothing.

        What fails first is raised, and nothing after it is done; in a transaction that undoes everything.
        """
        ours = self._together = self._together or _Together(self)
        async with self.lock:
            return await ours.run(statements)


class _Written(NamedTuple):
    """A statement with its values as they are sent."""

    text: bytes
    values: Sequence[Buffer | None]
    types: tuple[int, ...]
    formats: Sequence[Format]


_Key = tuple[bytes, tuple[int, ...]]
# A prepared statement that the schema has left behind, or that is not there: the next time it is prepared anew.
_STALE = (FeatureNotSupported, InvalidSqlStatementName)


class _Expected(NamedTuple):
    """An answer to come: to a statement, or to its being prepared under a name."""

    key: _Key
    prepares: bytes | None = None


class _Together:
    """What is remembered about a connection: how to write and read values, and what is prepared."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transformer = Transformer.from_context(connection)
        self._prepared: dict[_Key, bytes] = {}
        self._names = count()
        # After a rollback the driver lets the server forget all that is prepared, ours as well as its own.
        forget = connection._prepared.clear  # noqa: SLF001  # nowhere does it say so itself

        def forgotten() -> bool:
            if all_of_it := forget():
                self._prepared.clear()
            return all_of_it

        connection._prepared.clear = forgotten  # type: ignore[method-assign]  # noqa: SLF001  # as above

    async def run(self, statements: Sequence[Statement]) -> list[list[TupleRow]]:
        written = [self._written(statement, params) for statement, params in statements]
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        whole = False
        try:
            expected: list[_Expected] = []
            new: dict[_Key, bytes] = {}
            for one in written:
                self._send(pgconn, one, new, expected)
            pgconn.pipeline_sync()
            answers = await self._connection.wait(_exchanged(pgconn))
            whole = True
        finally:
            if not whole:
                # Nobody knows what is still on its way: the connection is no use to anybody.
                await self._connection.close()
            elif pgconn.status != ConnStatus.BAD:
                pgconn.exit_pipeline_mode()
        rows: list[list[TupleRow]] = []
        for answer, (key, prepares) in zip(answers, expected, strict=True):
            if answer.status == ExecStatus.FATAL_ERROR:
                error = error_from_result(answer)
                if isinstance(error, _STALE):
                    self._prepared.pop(key, None)
                raise error
            if prepares is None:
                rows.append(self._rows(answer))
            else:
                self._prepared[key] = prepares
        return rows

    def _written(self, text: str, params: Params) -> _Written:
        if params is None:
            return _Written(text.encode(), (), (), ())
        statement = parsed(text)
        values = [params[name] for name in statement.names] if isinstance(params, Mapping) else params
        if len(values) != len(statement.formats):
            raise ProgrammingError(f"{len(statement.formats)} parameters are asked for, {len(values)} given")
        written = self._transformer.dump_sequence(values, statement.formats)
        types, formats = self._transformer.types, self._transformer.formats
        return _Written(statement.text, written, types or (), formats or ())

    def _send(self, pgconn: PGconn, one: _Written, new: dict[_Key, bytes], expected: list[_Expected]) -> None:
        key = one.text, one.types
        name = self._prepared.get(key) or new.get(key)
        if name is None and len(self._prepared) + len(new) < _PREPARED:
            name = new[key] = b"zgoda_%d" % next(self._names)
            pgconn.send_prepare(name, one.text, param_types=one.types)
            expected.append(_Expected(key, name))
        if name is None:
            pgconn.send_query_params(one.text, one.values, param_types=one.types, param_formats=one.formats)
        else:
            pgconn.send_query_prepared(name, one.values, param_formats=one.formats)
        expected.append(_Expected(key))

    def _rows(self, answer: PGresult) -> list[TupleRow]:
        if answer.status != ExecStatus.TUPLES_OK:
            return []
        if not answer.ntuples:
            return []
        make = _maker(*map(answer.fname, range(answer.nfields)))
        self._transformer.set_pgresult(answer)
        return self._transformer.load_rows(0, answer.ntuples, make)


def _exchanged(pgconn: PGconn) -> PQGen[list[PGresult]]:
    """Send what is written and take what is answered, up to the end of the pipeline."""
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            # The server may wait for us to read before it reads on.
            pgconn.consume_input()
    answers: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        answer = pgconn.get_result()
        if answer is None:
            # The end of one statement's answer, or of everything.
            if pgconn.status == ConnStatus.BAD:
                raise OperationalError("the connection was lost")
            continue
        if answer.status == ExecStatus.PIPELINE_SYNC:
            return answers
        answers.append(answer)


@lru_cache(maxsize=512)
def _maker(*names: bytes | None) -> Callable[[Sequence[Any]], TupleRow]:
    fields = [(name or b"").decode() for name in names]
    row: Any = namedtuple("Row", fields, rename=True)  # type: ignore[misc]  # noqa: PYI024  # known at run time
    make: Callable[[Sequence[Any]], TupleRow] = row._make
    return make
