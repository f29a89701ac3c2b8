"""The key ring: epoch keys, suppression, token and log keys, in a folder that no database backup contains."""

import base64
import json
import os
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.kit.errors import Refused


class KeyEpochMissing(Refused):
    """A row names an epoch whose key the ring does not have."""

    def __init__(self, number: int) -> None:
        super().__init__(
            "keys.epoch_missing",
            f"The key ring has no key of epoch {number}.",
            mend="restore the newest key export into the key folder",
        )


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: `kek` wraps persons' keys (AES-256-GCM), `index` keys the blind indexes (HMAC-SHA-256)."""

    number: int
    kek: bytes
    index: bytes

    @property
    def cipher(self) -> AESGCM:
        return AESGCM(self.kek)


class KeyRing(Protocol):
    """What holds the keys: a folder here, or a vault behind the same few calls."""

    @property
    def current(self) -> Epoch: ...
    @property
    def suppression(self) -> bytes: ...
    @property
    def token(self) -> bytes: ...
    @property
    def signing(self) -> Ed25519PrivateKey: ...
    def epoch(self, number: int) -> Epoch: ...
    def live(self) -> list[Epoch]: ...
    def add_epoch(self) -> Epoch: ...
    def destroy_epoch(self, number: int) -> None: ...
    def export(self, leaving_out: Container[int] = ()) -> bytes: ...


EXPORT_FORMAT = "zgoda-key-export-1"
# Coarser than the clock of any file system that keeps nanoseconds.
_TICK = 100_000_000


def parse_epoch(record: bytes) -> Epoch:
    """An epoch as its file has it."""
    read = json.loads(record)
    return Epoch(read["epoch"], base64.b64decode(read["kek"]), base64.b64decode(read["index"]))


def write_secret(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 that is on disk before this returns, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or a removal in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileKeyRing:
    """A key ring of files: `epoch-<n>.json`, `suppression.key`, `token.key`, `log.key`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "log.key").exists():
            raise Refused(
                "keys.ring_missing", "There is no key ring in the data folder.", mend="run zgoda init"
            )
        self._suppression = (folder / "suppression.key").read_bytes()
        self._token = (folder / "token.key").read_bytes()
        self._signing = Ed25519PrivateKey.from_private_bytes((folder / "log.key").read_bytes())
        self._epochs: dict[int, Epoch] = {}
        self._stamp = -1
        self._reload()

    @classmethod
    def create(cls, folder: Path) -> "FileKeyRing":
        """A new ring with its first epoch; refuses a folder that already has one."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if any(folder.iterdir()):
            raise Refused("keys.ring_exists", "The data folder already has a key ring.")
        _write_epoch(folder, 1)
        write_secret(folder / "suppression.key", os.urandom(32))
        write_secret(folder / "token.key", os.urandom(64))
        private = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        write_secret(folder / "log.key", private)
        return cls(folder)

    def _reload(self) -> None:
        # Another process may rotate: the folder's change time says when to look again.
        stamp = self.folder.stat().st_mtime_ns
        if stamp == self._stamp:
            return
        epochs = {}
        for path in self.folder.glob("epoch-*.json"):
            try:
                epoch = parse_epoch(path.read_bytes())
            except FileNotFoundError:
                continue  # destroyed since the folder was listed
            epochs[epoch.number] = epoch
        if not epochs:
            raise Refused(
                "keys.epoch_missing",
                "The key ring has no epoch key.",
                mend="restore the newest key export into the key folder",
            )
        self._epochs = epochs
        # Within one tick of the file system's clock the folder can change again and keep its time.
        self._stamp = stamp if time.time_ns() - stamp > _TICK else -1

    @property
    def current(self) -> Epoch:
        self._reload()
        return self._epochs[max(self._epochs)]

    @property
    def suppression(self) -> bytes:
        return self._suppression

    @property
    def token(self) -> bytes:
        return self._token

    @property
    def signing(self) -> Ed25519PrivateKey:
        return self._signing

    def epoch(self, number: int) -> Epoch:
        self._reload()
        try:
            return self._epochs[number]
        except KeyError:
            raise KeyEpochMissing(number) from None

    def live(self) -> list[Epoch]:
        """Every epoch that has a key, oldest first."""
        self._reload()
        return [self._epochs[number] for number in sorted(self._epochs)]

    def add_epoch(self) -> Epoch:
        """A new epoch, current from now on."""
        _write_epoch(self.folder, self.current.number + 1)
        return self.current

    def destroy_epoch(self, number: int) -> None:
        """Overwrite and remove an epoch's key: what it wrapped cannot be read by anybody any more."""
        path = self.folder / f"epoch-{number:04d}.json"
        if path.exists():
            # Out of every reader's sight first: nobody may read it half overwritten.
            path.rename(path.with_suffix(".gone"))
            sync_folder(self.folder)
        for gone in self.folder.glob("epoch-*.gone"):
            shred(gone)

    def export(self, leaving_out: Container[int] = ()) -> bytes:
        """The ring as one JSON document, without the epochs `leaving_out`; it and the database read everything."""
        left_out = {f"epoch-{epoch.number:04d}.json" for epoch in self.live() if epoch.number in leaving_out}
        files = {
            path.name: base64.b64encode(path.read_bytes()).decode()
            for path in sorted(self.folder.iterdir())
            if path.suffix in {".json", ".key"} and path.name not in left_out
        }
        return json.dumps({"format": EXPORT_FORMAT, "files": files}, indent=1).encode()


def shred(path: Path) -> None:
    """Overwrite a file and remove it, durably; on copy-on-write storage the old blocks are the system's to free."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_folder(path.parent)


def _write_epoch(folder: Path, number: int) -> None:
    record = {
        "epoch": number,
        "kek": base64.b64encode(os.urandom(32)).decode(),
        "index": base64.b64encode(os.urandom(32)).decode(),
    }
    write_secret(folder / f"epoch-{number:04d}.json", json.dumps(record).encode())
