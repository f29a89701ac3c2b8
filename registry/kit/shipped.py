"""Finds the folders that ship beside the code: `migrations/` and `policies/`, in a checkout and in a wheel."""

from pathlib import Path

_CODE = Path(__file__).parents[1]


def folder(name: str) -> Path:
    """The shipped folder `name`: in a wheel it lies inside the package (setup.py puts it there)."""
    installed = _CODE / "_shipped" / name
    return installed if installed.is_dir() else _CODE.parent / name
