"""What the figures were measured on: without it they say nothing."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from registry.kit.postgres_programs import binaries
from registry.kit.postgres_settings import memory


def described() -> dict[str, Any]:
    """Cores and memory that this process may use, how busy they are, and the versions that matter."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(memory() / 1e9, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": _postgres(),
    }


def line(machine: dict[str, Any]) -> str:
    """The same in one line."""
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}, PostgreSQL {machine['postgresql']} embedded and durable, "
        f"load {machine['load_before']} before the start"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _postgres() -> str:
    told = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip().rpartition(" ")[2]
