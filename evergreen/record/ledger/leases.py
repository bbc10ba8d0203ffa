"""Leases: work that one process does at a time, whose holder is replaced when it is gone."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import sqlalchemy as sa

from evergreen.base.errors import LostRace
from evergreen.record.ledger.database import LEASES, LedgerDatabase


class Leases(LedgerDatabase):
    """Names that one living process holds at a time."""

    @contextmanager
    def lease(self, name: str) -> Iterator[int]:
        """Hold `name` alone and yield its fencing epoch; a holder that died is replaced at once.

        Raises
        ------
        LostRace if a living process holds it.
        """
        host, pid, started = socket.gethostname(), os.getpid(), psutil.Process().create_time()
        with self.begin() as connection:
            row = connection.execute(sa.select(LEASES).where(LEASES.c.name == name)).first()
            if row and row.pid and _alive(row.host, row.pid, row.started):
                raise LostRace(
                    "RACE002",
                    f"'{name}' is already running in process {row.pid} on {row.host}",
                    where="ledger",
                    next_step="Wait for it to end, then run the command again.",
                )
            epoch = (row.epoch if row else 0) + 1
            values = {"host": host, "pid": pid, "started": started, "epoch": epoch}
            if row:
                connection.execute(sa.update(LEASES).where(LEASES.c.name == name).values(**values))
            else:
                connection.execute(sa.insert(LEASES).values(name=name, **values))
        try:
            yield epoch
        finally:
            with self.begin() as connection:
                connection.execute(
                    sa.update(LEASES).where(LEASES.c.name == name, LEASES.c.epoch == epoch).values(pid=0)
                )


def _alive(host: str, pid: int, started: float) -> bool:
    """Return whether the holder still lives; one on another host is taken at its word.

    A zombie is dead: it only waits for its parent to notice. A process that started at another time is not the holder,
    but a later one that was given the same number.
    """
    if host != socket.gethostname():
        return True
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started) < 1
    except psutil.Error:
        return False
