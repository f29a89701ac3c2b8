"""The published log, as tlog-tiles clients read it: checkpoint and hash tiles for all, entries for auditors."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from registry.audit import queries, tiles
from registry.kit.caller import Caller
from registry.kit.database import Database
from registry.kit.errors import NotFound
from registry.kit.http.admission import PUBLIC, needs

OCTETS = "application/octet-stream"
# A tile never changes: a longer one has another name.
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_FOR_THE_READER = {"Cache-Control": "private, no-store"}
_A_MOMENT = {"Cache-Control": "public, max-age=1"}
_ANYBODY = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def routers() -> list[ControllerRouterHandler]:
    """The routes of this area. Who may read entries is the guard's to say: the role lists `audit.read`."""
    return [checkpoint, entry_tile, hash_tile]


@get("/log/checkpoint", opt=PUBLIC, tags=["log"], media_type="text/plain")
async def checkpoint(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    async with _database(request).begin(_caller(request)) as session:
        head = await queries.latest(session)
    if head is None:
        raise NotFound("checkpoint.missing", "Nothing was sealed yet.", mend="try again in a second")
    headers = {**_A_MOMENT, **_ANYBODY}
    return Response(head.note.encode(), media_type="text/plain", headers=headers)


@get("/log/tile/{level:str}/{place:path}", opt=PUBLIC, tags=["log"], media_type=OCTETS)
async def hash_tile(
    request: Request[Any, Any, Any], level: FromPath[str], place: FromPath[str]
) -> Response[bytes]:
    """The hashes of a tile (C2SP tlog-tiles), 32 bytes each."""
    tile = _tile(f"{level}{place}")
    if tile.level is None:
        raise _no_tile()
    async with _database(request).begin(_caller(request)) as session:
        held = await queries.hash_tiles(session, [(tile.level, tile.index)])
    hashes = held.get((tile.level, tile.index), b"")[: tile.width * 32]
    if len(hashes) != tile.width * 32:
        raise _no_tile()
    return Response(hashes, media_type=OCTETS, headers={**_FOR_EVER, **_ANYBODY})


@get("/log/tile/entries/{place:path}", opt=needs("audit.read"), tags=["log"], media_type=OCTETS)
async def entry_tile(request: Request[Any, Any, Any], place: FromPath[str]) -> Response[bytes]:
    """A bundle of entries: each behind its length, uint16 big-endian. They name persons only as commitments."""
    tile = _tile(f"entries{place}")
    async with _database(request).begin(_caller(request)) as session:
        rows = await queries.entries(session, tile.index * tiles.WIDTH, tile.width)
    if len(rows) != tile.width or any(row.body is None for row in rows):
        raise _no_tile()
    bundle = tiles.pack(bytes(row.body) for row in rows)
    return Response(bundle, media_type=OCTETS, headers=_FOR_THE_READER)


def _tile(path: str) -> tiles.Tile:
    try:
        return tiles.parse_path(path)
    except ValueError:
        raise _no_tile() from None


def _no_tile() -> NotFound:
    return NotFound(
        "tile.missing", "The log has no such tile.", mend="GET /log/checkpoint says how large it is"
    )


def _database(request: Request[Any, Any, Any]) -> Database:
    database: Database = request.app.state.workspace.database
    return database


def _caller(request: Request[Any, Any, Any]) -> Caller:
    caller: Caller = request.scope["state"]["caller"]
    return caller
