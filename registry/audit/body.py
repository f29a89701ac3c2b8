"""What one entry of the log says, as canonical JSON (RFC 8785): the bytes that are hashed, published and verified."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec
import rfc8785

from registry.audit import tiles
from registry.kit.errors import Misuse

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

VERSION = 1
MAX_REASON = 200
FIELDS = ("action", "actor", "at", "detail", "kinds", "purpose", "reason", "request", "subjects", "v")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
TIME_BYTES = len("2026-01-31T12:00:00.000000Z")

_ACTION = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_ACTOR = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9-]{1,64})?")
_PURPOSE = re.compile(r"[a-z0-9*][a-z0-9._:*-]{0,63}")
_KIND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:*-]{0,63}")
_REQUEST = re.compile(r"(?![0-9._-]{7,}$)[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"[^\s@]@[^\s@]")
_FULL_ADDRESS = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")  # in a detail, newsletter@3 is a version
# Nine digits, or seven behind a plus sign, are a telephone number; a date, a UUID, a ticket (SUP-20260131) are not.
_NO_PHONE = re.compile(
    r"\b\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?\b"
    r"|\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|(?<![\w-])#?[A-Za-z]+-\d+\b"
)
_PHONE = re.compile(r"\+\s?\d(?:[\s()./-]{0,2}\d){6,}|(?<![\w#])\d(?:[\s()./-]{0,2}\d){8,}")


class Split:
    """A body with a gap where the database writes its own clock: `head + time + tail` is canonical."""

    __slots__ = ("head", "tail")

    def __init__(self, head: bytes, tail: bytes) -> None:
        self.head = head
        self.tail = tail

    def at(self, time: str) -> bytes:
        return self.head + time.encode() + self.tail


def build(
    action: str,
    *,
    actor: str,
    purpose: str,
    reason: str,
    request: str,
    kinds: Sequence[str] = (),
    subjects: list[str] | dict[str, int | str] | None = None,
    detail: Mapping[str, JSON] | None = None,
) -> Split:
    """The body of an entry, without its time.

    Misuse: `reason.personal_data`, `reason.too_long`, `reason.invalid`, `purpose.invalid`, `request.invalid`,
    `detail.personal_data`, `entry.too_large`. ValueError: an action, actor or kind that no code should write,
    or a detail that has no canonical form.
    """
    head, middle = _envelope(action, actor, purpose, reason, tuple(kinds))
    check_request(request)
    # The envelope is written by hand, which is six times faster; a property test holds it to RFC 8785.
    told = (
        '["' + '","'.join(subjects) + '"]'
        if isinstance(subjects, list) and subjects
        else _plain(subjects or [])
    )
    tail = f'","detail":{_canonical(detail)}{middle},"request":"{request}","subjects":{told},"v":{VERSION}}}'
    split = Split(head.encode(), tail.encode())
    if len(split.head) + TIME_BYTES + len(split.tail) > tiles.MAX_ENTRY_BYTES:
        raise Misuse("entry.too_large", "An entry of the log has at most 65,535 bytes.")
    return split


class Form(NamedTuple):
    """Bodies that differ in little, of one caller: all their bytes, with gaps in `tail`, a template for `%`."""

    head: bytes
    tail: bytes


# Nobody can have said these: they are drawn anew for every process.
_GAPS = [f"gap-{number}-{secrets.token_hex(16)}" for number in range(8)]
# Texts of more bytes than this would not be ids and digests.
_LARGEST_GAP = 200


@lru_cache(maxsize=1024)
def form(
    action: str,
    actor: str,
    purpose: str,
    reason: str,
    kinds: tuple[str, ...],
    detail: tuple[tuple[str, str], ...],
    gaps: tuple[str, ...],
    *,
    about: bool,
) -> Form:
    """What `build` makes of this, with gaps to be filled, in this order: by the texts of the detail that `gaps` name
    (in the order of the alphabet), by the id of the request, and if it is `about` somebody by the commitment.

    What fills them is ASCII that JSON writes as it is, at most 200 bytes of it; a request id is to be checked.
    Misuse and ValueError: see `build`.
    """
    if list(gaps) != sorted(gaps):
        raise ValueError("gaps are filled in the order in which they stand")
    filled = dict(zip(gaps, _GAPS, strict=False))
    request, commitment = _GAPS[len(gaps)], _GAPS[len(gaps) + 1]
    split = build(
        action,
        actor=actor,
        purpose=purpose,
        reason=reason,
        request=request,
        kinds=kinds,
        subjects=[commitment] if about else [],
        detail={**dict(detail), **filled},
    )
    if len(split.head) + len(split.tail) + _LARGEST_GAP * len(_GAPS) > tiles.MAX_ENTRY_BYTES:
        raise Misuse("entry.too_large", "An entry of the log has at most 65,535 bytes.")
    tail = split.tail.replace(b"%", b"%%")
    for gap in (*filled.values(), request, commitment):
        tail = tail.replace(gap.encode(), b"%b")
    return Form(split.head, tail)


def check_request(request: str) -> None:
    """Misuse `request.invalid` for what is no id of a request, or could be an address or a telephone number."""
    if not _REQUEST.fullmatch(request):
        raise Misuse("request.invalid", "A request id is at most 100 letters, digits, dots and dashes.")


@lru_cache(maxsize=1024)
def _envelope(action: str, actor: str, purpose: str, reason: str, kinds: tuple[str, ...]) -> tuple[str, str]:
    """What stands before the time, and between detail and request: checked once for a caller, not for each call."""
    _check_word("action", _ACTION, action)
    _check_word("actor", _ACTOR, actor)
    for kind in kinds:
        _check_word("kind", _KIND, kind)
    if not _PURPOSE.fullmatch(purpose):
        raise Misuse("purpose.invalid", "A purpose is one word.")
    check_reason(reason)
    return (
        f'{{"action":"{action}","actor":"{actor}","at":"',
        f',"kinds":{_plain(list(kinds))},"purpose":"{purpose}","reason":{_plain(reason)}',
    )


def _canonical(detail: Mapping[str, JSON] | None) -> str:
    if not detail:
        return "{}"
    if _is_flat(detail):
        text = _FLAT(detail).decode()
    else:
        text = rfc8785.dumps(detail).decode()
    if "@" in text and any(_FULL_ADDRESS.search(each) for each in _strings(detail)):
        raise Misuse("detail.personal_data", "The log holds no address: name the person as a subject.")
    return text


def _is_flat(detail: Mapping[str, JSON]) -> bool:
    """Whether it holds nothing but texts and lists of texts, which are written alike and ten times as fast."""
    for name, value in detail.items():
        kind = type(value)
        if not name.isascii() or not (
            kind is str or (kind is list and set(map(type, cast(list[Any], value))) <= {str})
        ):
            return False
    return True


def check_reason(reason: str) -> None:
    """Misuse when a reason is empty, has control characters, is too long, or holds an address or phone number.

    The log is never erased, so what people type must not carry persons into it.
    """
    if not reason.strip() or _CONTROL.search(reason):
        raise Misuse("reason.invalid", "A reason is one line of text.", field="reason")
    if len(reason) > MAX_REASON:
        raise Misuse("reason.too_long", f"A reason has at most {MAX_REASON} characters.", field="reason")
    if _ADDRESS.search(reason) or _PHONE.search(_NO_PHONE.sub(" ", reason)):
        raise Misuse(
            "reason.personal_data",
            "A reason is kept for ever, so it must not hold an address or a telephone number.",
            field="reason",
            mend="name the ticket and not the person",
        )


def canonical(entry: bytes) -> dict[str, Any]:
    """The entry as an object, if its bytes are the canonical form of one. ValueError says what is wrong."""
    try:
        text = entry.decode()
        quick = _quickly(text)
        value = json.loads(text, parse_int=_number) if quick is None else quick
    except (ValueError, RecursionError):
        raise ValueError("the entry is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("the entry is not an object")  # noqa: TRY004  # bytes from outside, not a bug
    if quick is None:
        try:
            written = rfc8785.dumps(value)
        except (ValueError, RecursionError):
            raise ValueError("the entry has no canonical form") from None
        if written != entry:
            raise ValueError("the entry is not in canonical form")
    return value


class _NotPlainError(Exception):
    """A number whose canonical form the standard library does not write."""


def _quickly(text: str) -> object | None:
    """The value, if the standard library alone can tell that `text` is canonical; it is six times faster.

    It writes ASCII text and small integers as RFC 8785 does; names of ASCII letters sort alike in both.
    """
    if not text.isascii():
        return None
    try:
        value: object = json.loads(text, parse_float=_not_plain, parse_constant=_not_plain, parse_int=_small)
    except _NotPlainError:
        return None
    return value if _plain(value, sort=True) == text else None


def _not_plain(_: str) -> None:
    raise _NotPlainError


def _small(digits: str) -> int:
    if len(digits) > 15:
        raise _NotPlainError
    return int(digits)


def _number(digits: str) -> int | float:
    """JSON has only doubles, so a long row of digits is one (1e16 is written as 10000000000000000)."""
    return int(digits) if len(digits) <= 15 else float(digits)


def _plain(value: object, *, sort: bool = False) -> str:
    # For strings, small integers, lists and objects with sorted ASCII names this is RFC 8785's form.
    return _SORTED(value) if sort else _AS_IT_IS(value)


_FLAT = msgspec.json.Encoder(order="deterministic").encode
_SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_AS_IT_IS = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _check_word(what: str, pattern: re.Pattern[str], word: str) -> None:
    if not pattern.fullmatch(word):
        raise ValueError(f"not an {what} of the log: {word!r}")


def _strings(value: JSON) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for key, each in value.items() for text in (key, *_strings(each))]
    if isinstance(value, Sequence):
        return [text for each in value for text in _strings(each)]
    return []
