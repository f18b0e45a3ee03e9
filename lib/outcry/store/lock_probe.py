"""Prints the process ids that hold a SQLite database's write locks, one a line. A program of its own, never imported:
closing any descriptor of these files drops all locks that the process has on them.

Where the locks lie: sqlite.org/walformat.html ("WAL-index locking": the write lock is byte 120 of the -shm file) and
sqlite.org/lockingv3.html (the main file's locks begin at byte 2**30).

usage  lock_probe.py DATABASE
"""

import fcntl
import os
import struct
import sys

LAYOUT = "hhqqi0q"  # struct flock of 64-bit Linux: type, whence, start, length, pid
BYTES = (("-shm", fcntl.F_WRLCK, 120, 1), ("", fcntl.F_RDLCK, 1 << 30, 512))  # shared locks do not hinder a reader's


def holder(path: str, kind: int, start: int, length: int) -> int:
    """Who would keep us from such a lock; 0 when nobody would, or it is not to be seen from here."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return 0
    try:
        asked = struct.pack(LAYOUT, kind, os.SEEK_SET, start, length, 0)
        found = struct.unpack(LAYOUT, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    return found[4] if found[0] != fcntl.F_UNLCK else 0


if __name__ == "__main__":
    found = {holder(sys.argv[1] + suffix, kind, start, length) for suffix, kind, start, length in BYTES}
    sys.stdout.write("".join(f"{pid}\n" for pid in sorted(found - {0})))
