"""SMTP over connections that stay open: a connection for each mail would cost more than the mail."""

import re
import ssl
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from aiosmtplib.errors import SMTPException, SMTPResponseException

from registry.dispatch.channels.contract import Handed, Parcel, Rejected, Result, Unknown, Unreached
from registry.dispatch.channels.email.wire import Wire
from registry.kit.errors import Misuse, Unavailable

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 10.0
# After the final dot the reply is awaited this long; RFC 5321 4.5.3.2.6 would allow ten minutes, but the gate
# row is held meanwhile and a withdrawal waits for it.
REPLY_SECONDS = 30.0
# RFC 5321 3.8: the server is closing; it took nothing.
_CLOSING = 421
# Servers repeat the recipient in their replies; what is kept of a reply names nobody.
_PERSONAL = re.compile(r"\S*@\S*")
# What may stand between the angle brackets of MAIL and RCPT; nothing is parsed out of anything else.
_MAILBOX = re.compile(r"[^\x00-\x20\x7f<>@]+@[^\x00-\x20\x7f<>@]+")


class SmtpTransport:
    """A pool of `width` connections to one server; each message has a connection to itself while it is sent."""

    def __init__(self, url: str, width: int, *, reply_seconds: float = REPLY_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise Misuse("smtp.invalid", "This is no SMTP address.", mend="write smtp://host:port")
        try:
            self.port = parts.port or (465 if parts.scheme == "smtps" else 25)
        except ValueError as error:
            raise Misuse("smtp.invalid", "This is no SMTP port.", mend="write smtp://host:port") from error
        self.host = parts.hostname
        self._tls = parts.scheme == "smtps"
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._width = width
        self._reply_seconds = reply_seconds
        self._idle: list[Wire] = []
        self._busy = 0

    @property
    def width(self) -> int:
        return self._width

    async def open(self) -> None:
        """Connect once, so that a wrong address is known at the start; raises Unavailable `smtp.unreachable`."""
        if await self.ready() == 0:
            raise Unavailable(
                "smtp.unreachable",
                f"No SMTP server answers at {self.host}:{self.port}; nothing was sent.",
                mend="check --smtp or ZGODA_SMTP",
            )

    async def ready(self) -> int:
        """Connections that stand idle and open, after reconnecting the lost ones; the first failure ends the round."""
        self._idle = [client for client in self._idle if client.is_connected]
        while len(self._idle) + self._busy < self._width:
            client = await self._connect()
            if client is None:
                break
            self._idle.append(client)
        return len(self._idle)

    async def hand(self, parcel: Parcel) -> Result:
        """One mail: MAIL, RCPT, DATA, and the reply to the final dot."""
        if not self._idle:
            return Unreached("smtp.no_connection")
        client = self._idle.pop()
        self._busy += 1
        keep = False
        try:
            result = await self._converse(client, parcel)
            keep = client.is_connected and not isinstance(result, Unknown | Unreached)
            return result
        finally:
            self._busy -= 1
            if keep:
                self._idle.append(client)
            else:
                # Before the locks go: what is cut off later than that reaches somebody who was told "no more".
                await client.cut()

    async def close(self) -> None:
        """QUIT on every idle connection."""
        while self._idle:
            client = self._idle.pop()
            with suppress(SMTPException, OSError):
                await client.quit(timeout=1)
            client.close()

    async def _connect(self) -> Wire | None:
        client = Wire(
            hostname=self.host,
            port=self.port,
            timeout=CONNECT_SECONDS,
            use_tls=self._tls,
            username=self._username,
            password=self._password,
            tls_context=ssl.create_default_context() if self._tls else None,
        )
        try:
            await client.connect()
            await client.ehlo()
        except (SMTPException, OSError):
            client.close()
            return None
        return client

    async def _converse(self, client: Wire, parcel: Parcel) -> Result:
        if not _MAILBOX.fullmatch(parcel.recipient) or not _MAILBOX.fullmatch(parcel.sender):
            return Rejected(permanent=True, code=553)
        ending = b"" if parcel.recipient.isascii() else b" SMTPUTF8"
        if ending and not client.supports_extension("smtputf8"):
            return Rejected(permanent=True, code=553)
        try:
            for command in (
                b"MAIL FROM:<" + parcel.sender.encode() + b">" + ending,
                b"RCPT TO:<" + parcel.recipient.encode() + b">",
            ):
                reply = await client.execute_command(command, timeout=COMMAND_SECONDS)
                if not 200 <= reply.code <= 299:
                    return await self._refused(client, reply.code, Unreached("smtp.nonsense"))
        except SMTPResponseException as error:
            return await self._refused(client, error.code, Unreached("smtp.nonsense"))
        except (SMTPException, OSError, ValueError):
            return Unreached("smtp.connection_lost")
        try:
            taken = await client.data(parcel.content, timeout=self._reply_seconds)
        except SMTPResponseException as error:
            return await self._refused(client, error.code, Unknown("smtp.nonsense"))
        except (SMTPException, OSError):
            # From here on the server may have the whole mail.
            return Unknown("smtp.no_reply")
        return Handed(_PERSONAL.sub("…", taken.message.partition("\n")[0])[:200])

    async def _refused(self, client: Wire, code: int, otherwise: Unreached | Unknown) -> Result:
        if code == _CLOSING:
            return Unreached("smtp.closing")
        if not 400 <= code <= 599:
            return otherwise
        with suppress(SMTPException, OSError):
            await client.rset(timeout=COMMAND_SECONDS)
        return Rejected(permanent=code >= 500, code=code)


def create(url: str, width: int) -> SmtpTransport:
    """The transport for `smtp://[user:password@]host:port` or `smtps://`; Misuse `smtp.invalid` for anything else."""
    return SmtpTransport(url, width)
