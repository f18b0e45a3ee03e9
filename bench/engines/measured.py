"""What each engine's process tells of itself: nothing of Outcry is imported here, nor of anybody else."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

EVERY = 500  # moves of the touch between two orders
LATENCY_MS = 150


def main(run: Callable[[Path], tuple[int, int]], prepare: Callable[[Path], None] = lambda _folder: None) -> None:
    """`ENGINE FOLDER prepare`, or `ENGINE FOLDER SESSIONS`: so many in one process, one after the other.

    prepare  writes what the engine reads, in its own form; that is not measured
    run      a session over the files of the folder: (moves of the touch, fills)
    """
    folder, what = Path(sys.argv[1]), sys.argv[2]
    if what == "prepare":
        prepare(folder)
        return
    found, seconds = (0, 0), []
    for _ in range(int(what)):
        started = time.process_time()
        found = run(folder)
        seconds.append(time.process_time() - started)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {"moves": found[0], "fills": found[1], "sessions_s": seconds, "peak_mb": used.ru_maxrss / 1_024}
    print(json.dumps(told | {"whole_s": used.ru_utime + used.ru_stime}))
