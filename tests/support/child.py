"""A process of the store that does nothing: for tests of the supervisor, which must not depend on the real ones.

`python -m tests.support.child NAME` writes what it was given into data_dir/NAME.json and says that it is ready.
The file data_dir/fault: `NAME:dies` ends it before it is ready, `NAME:deaf` makes it ignore SIGTERM. Asked to drain
(SIGUSR1) it ends; each start and end is a line in data_dir/life. With a socket it answers each connection with its pid.
"""

import atexit
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path


def main(name: str) -> None:
    """Run until SIGTERM."""
    folder = Path(os.environ["KEYSTALL_STORE__DATA_DIR"])
    fault = (folder / "fault").read_text() if (folder / "fault").exists() else ""
    if fault == f"{name}:dies":
        sys.exit(3)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if fault == f"{name}:deaf" else lambda *_: sys.exit(0))
    signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
    atexit.register(note, folder, f"{name} ended")
    seen = {"pid": os.getpid(), "environment": dict(os.environ), "arguments": sys.argv}
    unfinished = folder / f"{name}.json.{os.getpid()}"
    unfinished.write_text(json.dumps(seen), "utf-8")
    unfinished.rename(folder / f"{name}.json")
    note(folder, f"{name} started")
    os.write(int(os.environ["KEYSTALL_READY_FD"]), b"1")
    os.close(int(os.environ["KEYSTALL_READY_FD"]))
    if name == "seed":
        return
    given = os.environ.get("KEYSTALL_SOCKETS", "").partition("=")[2].partition(",")[0]
    while not given:
        time.sleep(60)
    with socket.socket(fileno=int(given)) as listener:
        while True:
            connection, _ = listener.accept()
            connection.sendall(str(os.getpid()).encode())
            connection.close()


def note(folder: Path, line: str) -> None:
    """One line of the common history."""
    with (folder / "life").open("a") as life:
        life.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[-1])
