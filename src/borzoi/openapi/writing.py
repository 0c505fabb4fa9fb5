"""Files to disk: all of a package or nothing of it, and never outside of its folder.

The package is written to a new folder beside its place and takes that place when it is whole. What is there already
is replaced only if it was generated (its lock file says so); a symbolic link is never followed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from .document import DocumentError

LOCK = "openapi.lock"
"""Says which document the package is of."""


def write_package(folder: Path, files: dict[str, str]) -> list[str]:
    """Put the files of a package in place, and return which of them changed. Raises DocumentError where that is
    unsafe.
    """
    check_place(folder)
    changed = differences(folder, files)
    if not changed:
        return []
    folder.parent.mkdir(parents=True, exist_ok=True)
    # mkdtemp makes a folder that was not there and that nobody else may enter.
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        made = staging / "new"
        for each in _folders(files):
            made.joinpath(each).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _write(made, name, content)
        if folder.exists():
            folder.rename(staging / "old")
        made.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return changed


def check_place(folder: Path) -> None:
    """Refuse a place that is a link, or that holds what was not generated."""
    if folder.is_symlink():
        raise DocumentError(f"The output {str(folder)!r} is a symbolic link.")
    if folder.exists() and not folder.is_dir():
        raise DocumentError(f"The output {str(folder)!r} is a file.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / LOCK).is_file():
        raise DocumentError(f"The output {str(folder)!r} holds files that were not generated; they are not replaced.")


def differences(folder: Path, files: dict[str, str]) -> list[str]:
    """Return the files that are missing, other than they should be, or too many."""
    if not folder.is_dir():
        return sorted(files)
    changed = [name for name, content in files.items() if _read(folder / name) != content]
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted({*changed, *(there - set(files))})


def _read(path: Path) -> str | None:
    try:
        return None if path.is_symlink() else path.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return None


def _folders(files: dict[str, str]) -> set[str]:
    """Return the folders that files are in. Raises ValueError for a file outside of the package."""
    for name in files:
        if name.startswith("/") or ".." in name.split("/"):
            raise ValueError(f"{name!r} is outside of the package")
    return {name.rpartition("/")[0] for name in files}


_BINARY: int = getattr(os, "O_BINARY", 0)
"""Keeps Windows from writing line ends of its own."""


def _write(root: Path, name: str, content: str) -> None:
    written = content.encode()
    # O_EXCL: in a new folder nothing is there, and a link that appears is an error.
    descriptor = os.open(f"{root}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o644)
    try:
        while written:
            written = written[os.write(descriptor, written) :]
    finally:
        os.close(descriptor)
