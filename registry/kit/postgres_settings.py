"""The embedded server's configuration: durable, silent about values, sized to the machine and to what it holds."""

import contextlib
import os
from pathlib import Path

_MEGABYTE = 1 << 20


def memory() -> int:
    """Bytes that this machine or container may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return physical


def stored(cluster: Path) -> int:
    """Bytes of all tables and indexes of the cluster in this folder; 0 before there are any."""
    found = 0
    for file in cluster.glob("base/*/*"):
        # It may go while it is looked at.
        with contextlib.suppress(OSError):
            found += file.stat().st_size
    return found


def configuration(sockets: Path, *, durable: bool, data: int = 0) -> str:
    """The whole of postgresql.conf; it is written anew at every start, so edits belong here.

    `durable=False` gives up crash safety for speed; only the test suite's own cluster may ask for it. `data` is how
    many bytes are stored: what a whole base's gate reads is held in memory, up to a quarter of the machine's.
    """
    shared = max(64, min(memory() // 4, max(512 * _MEGABYTE, data)) // _MEGABYTE)
    settings = {
        # Reached through one private socket, with a password, and in no other way.
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": "120",
        # A commit that was answered is on disk.
        "fsync": _switch(durable),
        "full_page_writes": _switch(durable),
        "synchronous_commit": _switch(durable),
        # Nothing that people typed reaches the log: no statement, no parameter, no DETAIL, and not the message
        # of a failed statement either ("invalid input syntax ..." quotes it); the client has that.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_statement": "none",
        "log_min_duration_statement": "-1",
        "log_min_duration_sample": "-1",
        "log_transaction_sample_rate": "0",
        "log_duration": "off",
        "log_checkpoints": "off",
        "log_autovacuum_min_duration": "-1",
        "log_line_prefix": "%m [%p] ",
        "log_timezone": "UTC",
        "timezone": "UTC",
        # Sized to the machine and the data; checkpoints far apart, for the imports.
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(128, memory() // 2 // _MEGABYTE)}MB",
        "maintenance_work_mem": f"{max(64, shared // 4)}MB",
        "work_mem": "16MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "max_locks_per_transaction": "256",  # one statement may touch every partition
        "random_page_cost": "1.1",
        "jit": "off",  # it costs more than our statements take
    }
    if _small_shared_memory():
        settings["dynamic_shared_memory_type"] = "mmap"  # containers give 64 MB, a parallel join needs more
    return "# Written by zgoda at every start.\n" + "".join(
        f"{name} = '{value}'\n" for name, value in settings.items()
    )


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _small_shared_memory() -> bool:
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108  # only its size is asked for
    except OSError:
        return False
    return found.f_frsize * found.f_blocks < 512 * _MEGABYTE
