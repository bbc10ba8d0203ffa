"""`python workers.py PORT N WORKER FOLDER`: a supervisor of workers that say who they are, or fail.

`python workers.py --worker WORKER FOLDER LISTEN PIPE AGAIN` is one of them. It leaves a file named after its process id
in FOLDER, and answers a connection with that number, after the seconds that it is sent; if these are not none it leaves
a file as it begins.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from evergreen.base import parents
from serving.listening import listen
from serving.supervisor import READY, Supervisor


def supervise(port: int, n: int, kind: str, folder: Path) -> int:
    def command(listening: int, pipe: int, again: bool) -> list[str]:
        parts = ("--worker", kind, folder, listening, pipe, int(again), os.getpid())
        return [sys.executable, __file__, *map(str, parts)]

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with listen("127.0.0.1", port, shared=True) as listening:
        return Supervisor(listening, n, command).run()


def work(kind: str, folder: Path, listening: int, pipe: int, again: bool, parent: int) -> None:
    parents.end_with(parent)
    (folder / f"{os.getpid()}{'-again' if again else ''}").touch()
    if kind.startswith("exit") or (kind == "fails later" and again):
        sys.exit(int(kind.removeprefix("exit")) if kind.startswith("exit") else 3)
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    open_requests: set[threading.Thread] = set()

    def stop(*_: object) -> None:
        server.close()
        for thread in open_requests:
            thread.join()
        os._exit(0)

    with socket.socket(fileno=listening) as server:
        server.listen(100)
        signal.signal(signal.SIGTERM, signal.SIG_IGN if kind == "stubborn" else stop)
        signal.signal(signal.SIGHUP, lambda *_: (folder / f"{os.getpid()}-asked").touch())
        os.write(pipe, READY)
        while True:
            connection, _ = server.accept()
            thread = threading.Thread(target=answer, args=(connection, folder))
            open_requests.add(thread)
            thread.start()


def answer(connection: socket.socket, folder: Path) -> None:
    with connection:
        seconds = float(connection.recv(100) or 0)
        if seconds:
            (folder / f"begun-{os.getpid()}-{threading.get_native_id()}").touch()
        time.sleep(seconds)
        connection.sendall(str(os.getpid()).encode())


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        kind, folder, *numbers = sys.argv[2:]
        listening, pipe, again, parent = map(int, numbers)
        work(kind, Path(folder), listening, pipe, bool(again), parent)
    else:
        sys.exit(supervise(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
