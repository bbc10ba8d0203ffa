"""Leases: work that one process does at a time, whose holder is replaced when it is gone, wherever it was."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import sqlalchemy as sa

from evergreen.base.errors import LostRace
from evergreen.base.processes import Mark, mark, place
from evergreen.record.ledger.database import LEASES, LedgerDatabase

log = logging.getLogger(__name__)
BEAT_SECONDS = 10.0
SILENT_SECONDS = 45.0  # without a heartbeat, a holder that cannot be looked at is gone
POLL_SECONDS = 0.1


class Leases(LedgerDatabase):
    """Names that one living process holds at a time."""

    @contextmanager
    def lease(self, name: str, *, wait: float = 0.0) -> Iterator[int]:
        """Hold `name` alone and yield its fencing epoch, which grows with every holder.

        A holder that died here is replaced at once; one that died elsewhere when its heartbeat, by the database's
        clock, has been silent for SILENT_SECONDS.

        Parameters
        ----------
        wait : seconds to wait for another holder.

        Raises
        ------
        LostRace if a living process holds it.
        """
        deadline = time.monotonic() + wait
        while True:
            try:
                epoch = self._take(name)
                break
            except LostRace:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(POLL_SECONDS)
        ended = Event()
        heart = Thread(target=self._beat, args=(name, epoch, ended), name=f"lease-{name}", daemon=True)
        heart.start()
        try:
            yield epoch
        finally:
            ended.set()
            heart.join()
            with self.begin() as connection:
                connection.execute(sa.update(LEASES).where(*_held(name, epoch)).values(pid=0))

    def require(self, connection: sa.Connection, name: str, epoch: int) -> None:
        """Raise LostRace unless the lease is held still by the holder of that epoch."""
        if connection.execute(sa.select(LEASES.c.name).where(*_held(name, epoch), LEASES.c.pid != 0)).first() is None:
            raise LostRace(
                "RACE003",
                f"'{name}' was taken over by another process, as this one was not heard of for {SILENT_SECONDS:g} s",
                where="ledger",
                next_step="Run the same command again; what was finished is kept.",
            )

    def is_held(self, name: str) -> bool:
        """Return whether somebody who lives holds a lease now; nothing is written."""
        with self.read() as connection:
            row = connection.execute(sa.select(LEASES).where(LEASES.c.name == name)).first()
            return bool(row and row.pid and _alive(row, self.clock(connection)))

    def dead_leases(self, *, let_go: bool) -> list[tuple[str, str]]:
        """Return the names of leases whose holder is gone, with who it was, and let them go if told so."""
        with self.read() as connection:
            now = self.clock(connection)
            rows = connection.execute(sa.select(LEASES).where(LEASES.c.pid != 0).order_by(LEASES.c.name))
            dead = [row for row in rows if not _alive(row, now)]
        if let_go and dead:
            with self.begin() as connection:
                for row in dead:
                    connection.execute(sa.update(LEASES).where(*_held(row.name, row.epoch)).values(pid=0))
        return [(row.name, f"process {row.pid} on {row.host}") for row in dead]

    def _take(self, name: str) -> int:
        with self.begin() as connection:
            row = connection.execute(sa.select(LEASES).where(LEASES.c.name == name)).first()
            now = self.clock(connection)
            if row and row.pid and _alive(row, now):
                raise LostRace(
                    "RACE002",
                    f"'{name}' is already running in process {row.pid} on {row.host}",
                    where="ledger",
                    next_step="Wait for it to end, then run the command again.",
                )
            epoch = (row.epoch if row else 0) + 1
            values = {
                "host": socket.gethostname(),
                **_counted(mark()),
                "beat": now,
                "epoch": epoch,
            }
            if row:
                connection.execute(sa.update(LEASES).where(LEASES.c.name == name).values(**values))
            else:
                connection.execute(sa.insert(LEASES).values(name=name, **values))
        return epoch

    def _beat(self, name: str, epoch: int, ended: Event) -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                with self.begin() as connection:
                    now = self.clock(connection)
                    beaten = connection.execute(sa.update(LEASES).where(*_held(name, epoch)).values(beat=now))
            except Exception as error:  # whatever it is, the database may be back at the next beat
                log.warning("the lease '%s' could not be renewed: %s", name, error)
                continue
            if not beaten.rowcount:
                log.warning("the lease '%s' was taken over by another process", name)
                return


def _held(name: str, epoch: int) -> tuple[Any, ...]:
    return LEASES.c.name == name, LEASES.c.epoch == epoch


def _alive(row: Any, now: float) -> bool:
    """Return whether the holder still lives: by its process if that is one of this host's, or else by its heartbeat.

    A process that started at another time is not the holder, but a later one that was given the same number.
    """
    if (row.host, row.place) != (socket.gethostname(), _counted(mark())["place"]):
        return bool(now - row.beat < SILENT_SECONDS)
    return Mark(place=place(), pid=row.pid, started=row.started).is_running


def _counted(holder: Mark) -> dict[str, Any]:
    """Return what a lease keeps of its holder.

    Before, `started` was in seconds since 1970: the holder of such a lease is at another place, so that its
    heartbeat is believed.
    """
    return {"place": f"{holder.place} ticks", "pid": holder.pid, "started": holder.started}
