"""A relay that stops reading in the middle of a mail, and goes on when it is let; in a thread, so of no loop."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Security = Literal["smtp", "smtps", "starttls"]
# What the relay's own kernel takes for it; whatever is beyond that waits at the sender's.
_BUFFER = 16_384
# Of which it reads so much before it stalls.
_FIRST = 1000
SECONDS = 20.0


class Relay:
    """`stalled` is set once it reads no more; after `resume` it reads on to the end, and then `ended` is set."""

    def __init__(self, security: Security, context: ssl.SSLContext | None) -> None:
        self._security = security
        self._context = context
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        scheme = "smtps" if security == "smtps" else "smtp"
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        self.stalled, self.resume, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.hangs_up = False
        self.read = 0
        self.saw_the_end = False

    def start(self) -> None:
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self.resume.set()
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            talk, _ = self._socket.accept()
            talk.settimeout(SECONDS)
            with talk if self._security != "smtps" else self._wrapped(talk) as connection:
                self._converse(connection)
        self.ended.set()

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        assert self._context is not None
        return self._context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)

    def _converse(self, connection: socket.socket, *, greeted: bool = False) -> None:
        if not greeted:
            connection.sendall(b"220 relay.invalid\r\n")
        while line := _line(connection):
            if line == b"STARTTLS\r\n":
                connection.sendall(b"220 go on\r\n")
                with self._wrapped(connection) as encrypted:
                    self._security = "smtps"
                    self._converse(encrypted, greeted=True)
                return
            elif line == b"DATA\r\n":
                connection.sendall(b"354 go on\r\n")
                self._take(connection)
                return
            elif line.startswith(b"EHLO") and self._security == "starttls":
                connection.sendall(b"250-relay.invalid\r\n250 STARTTLS\r\n")
            else:
                connection.sendall(b"250 yes\r\n")

    def _take(self, connection: socket.socket) -> None:
        end = connection.recv(_FIRST)
        self.read = len(end)
        if self.hangs_up:
            connection.shutdown(socket.SHUT_WR)
        self.stalled.set()
        self.resume.wait(SECONDS)
        while piece := connection.recv(65_536):
            self.read += len(piece)
            end = (end + piece)[-5:]
            self.saw_the_end = self.saw_the_end or end == b"\r\n.\r\n"


def _line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = connection.recv(1)
        if not piece:
            return b""
        line += piece
    return line


@contextmanager
def relay(security: Security = "smtp", certificate: Path | None = None) -> Iterator[Relay]:
    """A relay for one connection; `certificate` as `certified` wrote it."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    running = Relay(security, context)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def certified(folder: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.invalid")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "relay.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file
