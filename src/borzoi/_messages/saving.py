"""A response saved to a file, whole or not at all.

What comes in goes to a temporary file beside the destination, which takes its place when the body is whole. Whatever
fails or is cancelled on the way leaves the destination as it was, and no temporary file.

Written once for all worlds: only the body is waited for. Writing to the file is not: in an event loop it happens on the
loop's thread, in pieces of at most some 64 KiB. The system takes those into its cache in about 20 microseconds, while
handing each to a thread costs more and blocks as long where memory is short.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self

from .._errors import RemoteProtocolError
from .filename import filename_of
from .progress import wire_total

if TYPE_CHECKING:
    from .response import Response


class Saved(NamedTuple):
    """What became of a response that was saved."""

    path: Path
    """The file."""

    size: int
    """Its size in bytes."""


async def save(
    response: Response, path: str | os.PathLike[str], *, overwrite: bool | None, fsync: bool, blocking: bool
) -> Saved:
    """Read the body of a response into a file."""
    destination = destination_of(response, path, overwrite)
    mode = mode_of(destination, overwrite)
    is_streamed = not hasattr(response, "_content")
    source = response._open_or_replay(blocking=blocking)

    # The response is to let go of its connection also where it is the disk that fails.
    try:
        with Draft(destination.parent, mode) as draft:
            while (chunk := await source.next_chunk()) is not None:
                draft.file.write(chunk)
            if is_streamed:
                require_whole(response)
            size = draft.finish(fsync=fsync)
            draft.move(destination, overwrite=overwrite is not False)
    except BaseException as error:
        await response._abandon(error, blocking=blocking)
        raise
    return Saved(destination, size)


def destination_of(response: Response, path: str | os.PathLike[str], overwrite: bool | None) -> Path:
    """Return the file to write: the one named, or in a directory the one that the response names."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"Invalid path: {text!r}. Give a str or a path, not {type(text).__name__}.")

    destination = Path(text)
    if not destination.is_dir():
        if text.endswith(("/", os.sep)):
            raise NotADirectoryError(f"Cannot save to {text!r}: there is no such directory.")
        return destination

    destination = destination / filename_of(response)
    # A server that may choose the name must not choose which of the program's files it replaces.
    if overwrite is None and os.path.lexists(destination):
        raise FileExistsError(f"{destination} exists, and it was the server that chose its name: see overwrite=True.")
    return destination


def mode_of(destination: Path, overwrite: bool | None) -> int | None:
    """Return the permissions of the file to be replaced, None where there is none."""
    try:
        found = destination.lstat()
    except FileNotFoundError:
        return None
    if overwrite is False:
        raise FileExistsError(f"{destination} exists, and overwrite=False was given.")
    if stat.S_ISLNK(found.st_mode):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise FileExistsError(f"{destination} is not a regular file, which could be replaced.")
    return stat.S_IMODE(found.st_mode) & 0o777


def require_whole(response: Response) -> None:
    """Raise RemoteProtocolError where fewer or more bytes came than were announced."""
    total, received = wire_total(response), response.num_bytes_downloaded
    if total is not None and received != total:
        raise RemoteProtocolError(
            f"The body has {received} bytes where {total} were announced.", request=response._request
        )


class Draft:
    """Hold a temporary file with an unpredictable name, which is removed unless it is moved to its destination."""

    def __init__(self, directory: Path, mode: int | None) -> None:
        self._path = directory / f".borzoi-{os.urandom(12).hex()}.part"
        # The system applies the umask, which cannot be asked for without changing it. Nothing is written before the
        # file is closed to others again.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._path, flags, 0o666)
        self.file: BinaryIO = os.fdopen(descriptor, "wb")
        self._mode = stat.S_IMODE(os.fstat(descriptor).st_mode) if mode is None else mode
        self._is_moved = False
        self._restrict(0o600)

    def _restrict(self, mode: int) -> None:
        if os.chmod in os.supports_fd:
            os.chmod(self.file.fileno(), mode)

    def finish(self, *, fsync: bool) -> int:
        """Close the file and return its size."""
        self.file.flush()
        if fsync:
            os.fsync(self.file.fileno())
        self._restrict(self._mode)
        size = self.file.tell()
        self.file.close()
        return size

    def move(self, destination: Path, *, overwrite: bool) -> None:
        """Give the file its final name. Raises FileExistsError where that is taken and may not be replaced."""
        if overwrite or not self._link(destination):
            os.replace(self._path, destination)
            self._is_moved = True

    def _link(self, destination: Path) -> bool:
        """Give the file a second name, which fails where that is taken. Return False where links cannot be made."""
        try:
            os.link(self._path, destination)
        except FileExistsError:
            raise FileExistsError(f"{destination} has come into being since, and overwrite=False was given.") from None
        except OSError:
            if os.path.lexists(destination):
                raise FileExistsError(f"{destination} exists, and overwrite=False was given.") from None
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.file.close()
        except OSError:
            # What was still to be written does not fit. The first error is the one to hear of.
            if exception[0] is None:
                raise
        finally:
            if not self._is_moved:
                os.unlink(self._path)
