"""`python -m apps.research.kept END LOCK WORD...`: run `tradefair WORD...`, and write its exit code to the file END.

The app starts this in a process of its own. LOCK is the number of an open file whose lock the process holds.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from pathlib import Path


def kept(end: Path, lock: int, words: list[str]) -> int:
    """Run the command in this process; see above. Returns: its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    os.set_inheritable(lock, False)  # workers must not hold it longer than this process
    sys.argv = ["tradefair", *words]  # what messages name as the command that goes on
    from apps.command.main import main
    from experiments.documents import write_json

    code = main(words)
    sys.stdout.flush()
    write_json(end, {"code": code, "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")})
    return code


if __name__ == "__main__":
    sys.exit(kept(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
