"""Mails as bytes, fast: the frame is built once for a campaign and locale, and filled in for each person.

`email.message.EmailMessage` makes about 700 mails a second and folds long headers into encoded words, which
breaks one-click (RFC 8058 asks for the bare URI); this makes tens of thousands, and the tests read every one
of them back with the standard library.
"""

import binascii
import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import Enum
from uuid import UUID

from registry.kit.errors import Misuse

# Beyond this share of non-ASCII text quoted-printable is longer than base64.
_QP_SHARE = 6
# RFC 2047 2: an encoded word has at most 75 characters; 45 bytes make 60 of base64 plus 12 of frame.
_WORD_BYTES = 45
# RFC 5322 2.1.1: lines of at most 78 characters are wanted; the longest header name here has 9.
_PLAIN_HEADER = 66
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NEWLINES = re.compile(r"\r\n?|\n")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# RFC 5321 4.1.2, loosely: what may stand in an envelope and in To without quoting.
_ADDRESS = re.compile(r"[^\x00-\x20\x7f-\x9f<>()\[\]\\,;:\"@]+@[^\x00-\x20\x7f-\x9f<>()\\,;\"@]+")
_URL = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+")


class Encoding(Enum):
    """Content-Transfer-Encoding of the text parts (RFC 2045 6)."""

    QUOTED_PRINTABLE = "quoted-printable"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class Frame:
    """What all mails of one campaign and locale share; `fill` makes the mail of one person.

    `sender` is (name, address) of the controller, `list_id` (description, id by RFC 2919), `domain` stands at
    the right of Message-ID. `one_click` says whether the class of the purpose asks for List-Unsubscribe.
    """

    head: bytes
    domain: str
    one_click: bool
    encoding: Encoding
    boundary: bytes

    def fill(
        self,
        *,
        message_id: UUID,
        to: str,
        subject: str,
        date: datetime,
        text: str,
        html: str,
        one_click: str | None,
    ) -> bytes:
        """The exact bytes of one mail, lines ended by CRLF.

        The same arguments give the same bytes, so a content hash can be checked and a mail rebuilt.
        Raises Misuse `address.invalid`, `url.invalid` when a value cannot stand in a header.
        """
        if self.one_click != (one_click is not None):
            raise Misuse("template.opt_out_missing", "The class of the purpose and the opt-out do not agree.")
        lines = [
            self.head,
            b"To: " + _address(to),
            b"\r\nSubject: " + header_text(subject),
            b"\r\nDate: " + format_datetime(date).encode("ascii"),
            b"\r\nMessage-ID: " + self.message_ref(message_id).encode("ascii"),
        ]
        if one_click is not None:
            lines.append(b"\r\nList-Unsubscribe: <" + _url(one_click) + b">")
            lines.append(b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click")
        delimiter = b"\r\n--" + self.boundary
        kind = b'; charset="utf-8"\r\nContent-Transfer-Encoding: ' + self.encoding.value.encode("ascii")
        lines += [
            b'\r\nContent-Type: multipart/alternative; boundary="' + self.boundary + b'"\r\n',
            delimiter + b"\r\nContent-Type: text/plain" + kind + b"\r\n\r\n",
            self._body(text),
            delimiter + b"\r\nContent-Type: text/html" + kind + b"\r\n\r\n",
            self._body(html),
            delimiter + b"--\r\n",
        ]
        return b"".join(lines)

    def message_ref(self, message_id: UUID) -> str:
        """The Message-ID, the same for every attempt at one message."""
        return f"<{message_id.hex}@{self.domain}>"

    def _body(self, text: str) -> bytes:
        raw = _NEWLINES.sub("\r\n", text).encode("utf-8", "replace")
        if self.encoding is Encoding.QUOTED_PRINTABLE:
            # It takes its line ends from the first one it sees; without one it would write bare LF.
            coded = binascii.b2a_qp(raw, istext=True)
            return coded if b"\r\n" in raw else coded.replace(b"=\n", b"=\r\n")
        coded = b64encode(raw)
        return b"\r\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))


def frame(
    *,
    sender: tuple[str, str],
    list_id: tuple[str, str],
    one_click: bool,
    sample: str,
    key: str,
    extra: Mapping[str, str] | None = None,
) -> Frame:
    """Build the frame of a campaign and locale.

    `sample` is the template's text, by which the encoding is chosen; `key` (campaign and locale) gives the
    boundary, which cannot occur in either encoding, for neither writes `=_`.
    """
    name, address = sender
    description, identifier = list_id
    head = [
        b"From: " + display(name) + b" <" + _address(address) + b">",
        b"List-Id: " + display(description) + b" <" + _list_id(identifier) + b">",
        b"MIME-Version: 1.0",
        b"Auto-Submitted: auto-generated",
        *(_header_name(key_) + b": " + header_text(value) for key_, value in (extra or {}).items()),
    ]
    wide = sum(character > "\x7f" for character in sample)
    return Frame(
        head=b"\r\n".join(head) + b"\r\n",
        domain=address.rpartition("@")[2],
        one_click=one_click,
        encoding=Encoding.BASE64 if wide * _QP_SHARE > len(sample) else Encoding.QUOTED_PRINTABLE,
        boundary=b"=_" + hashlib.sha256(key.encode()).hexdigest()[:32].encode("ascii"),
    )


def content_hash(mail: bytes) -> bytes:
    """SHA-256 of the bytes as they go out, before the transport doubles leading dots."""
    return hashlib.sha256(mail).digest()


def header_text(value: str) -> bytes:
    """`value` as unstructured header text: one line, control characters gone, RFC 2047 words where needed."""
    line = " ".join(_CONTROL.sub(" ", value).split())
    if line.isascii() and len(line) <= _PLAIN_HEADER and "=?" not in line:
        return line.encode("ascii")
    return _encoded_words(line)


def display(value: str) -> bytes:
    """`value` as a phrase before an address (RFC 5322 3.2.5)."""
    line = " ".join(_CONTROL.sub(" ", value).split())
    if _ATOM.fullmatch(line) and len(line) <= _PLAIN_HEADER and "=?" not in line:
        return line.encode("ascii")
    if line.isascii() and len(line) <= _PLAIN_HEADER and "=?" not in line:
        return b'"' + line.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'
    return _encoded_words(line)


def _encoded_words(line: str) -> bytes:
    words, word = [], b""
    for character in line:
        coded = character.encode("utf-8", "replace")
        if len(word) + len(coded) > _WORD_BYTES:
            words.append(word)
            word = b""
        word += coded
    words.append(word)
    return b"\r\n ".join(b"=?utf-8?b?" + b64encode(word) + b"?=" for word in words)


def _address(value: str) -> bytes:
    if not _ADDRESS.fullmatch(value) or len(value) > 254:
        raise Misuse("address.invalid", "This address cannot stand in a mail header.")
    return value.encode("utf-8")


def _url(value: str) -> bytes:
    if not _URL.fullmatch(value) or len(value) > 900:
        raise Misuse("url.invalid", "The opt-out address is no plain http(s) URI.")
    return value.encode("ascii")


def _list_id(value: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", value):
        raise Misuse("list.invalid", "A List-Id is made of letters, digits and dots.")
    return value.encode("ascii")


def _header_name(value: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", value):
        raise Misuse("header.invalid", "This is no header name.")
    return value.encode("ascii")
