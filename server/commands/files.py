"""Files that commands read and write: compressed or not, written beside their place and put there when complete."""

import contextlib
import gzip
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from server.errors import CommandError

PRIVATE = 0o600  # addresses, hashes of sessions, held comments


def opened(file: Path) -> BinaryIO:
    """A file to read, as it is. Raises CommandError."""
    try:
        if file.is_dir():
            raise CommandError(f"{file} is a folder; a file is expected")
        return file.open("rb")
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from None


def lines(file: Path, most: int) -> Iterator[bytes]:
    """The lines of a file, unpacked if it is compressed. Raises CommandError, also for a line above `most` bytes."""
    with opened(file) as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        text = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if compressed else raw
        number = 0
        try:
            while line := text.readline(most + 1):
                number += 1
                if len(line) > most:
                    raise CommandError(f"line {number}: at most {most} bytes are expected")
                yield line
        except (OSError, EOFError) as error:
            raise CommandError(f"cannot read {file} after line {number}: {error}; is it complete?") from None


@contextlib.contextmanager
def written(name: str) -> Iterator[BinaryIO]:
    """A file that is in its place, whole, once the block has ended without an error; `-` is standard output.

    Raises CommandError.
    """
    if name == "-":
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
            raise CommandError("the export was not read to its end") from None
        return
    place = Path(name)
    if place.is_dir():
        raise CommandError(f"{place} is a folder; the name of a file is expected")
    unfinished = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as raw:
            if place.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(place)
    except OSError as error:
        raise CommandError(f"cannot write {place}: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
