"""The prediction log as a process writes it: on the disk before an answer is sent, in segments of its own.

What `append` has returned from survives ``kill -9``; a power failure may take the last 20 ms.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from errno import EBADF, ENOENT
from pathlib import Path
from typing import Any, Literal

from evergreen.base.errors import EvergreenError, IntegrityError, ResourceError
from evergreen.data import personal
from evergreen.record.predictions.frames import FeedbackRows, Predictions, Shadows
from evergreen.record.predictions.ids import IdMaker, find
from evergreen.record.predictions.protection import Protection
from evergreen.record.predictions.records import Columns, Feedback, Logged, Shadowed
from evergreen.record.predictions.segment import SEGMENTS, US_PER_HOUR, Segment, segments, settle

log = logging.getLogger(__name__)

LogPolicy = Literal["strict", "available"]
SYNC_SECONDS = 0.015
PROBE_SECONDS = 1.0
NEXT_STEP = "Free space or give write access to the folder, and send it again. /readyz says when the log is well."


class PredictionLog:
    """This process's part of the log in a folder; several processes may share the folder, and threads the object.

    Parameters
    ----------
    folder : `segments/` below it is written here.
    policy : of rows that cannot be written: `strict` raises; `available` returns, and counts them in `lost`.
    pii_key : the file of the key that personal values are hashed under; by default the one beside `folder`.

    Raises
    ------
    ResourceError under `strict` if the folder cannot be written now.
    """

    def __init__(
        self,
        folder: Path,
        *,
        policy: LogPolicy = "strict",
        max_segment_bytes: int = 64 << 20,
        pii_key: Path | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.folder, self.policy = folder, policy
        self.bytes = self.lost = self.vanished = 0
        self._max_bytes = max_segment_bytes
        self._clock = clock
        self._token = os.urandom(3).hex()
        self._number = 0
        self._ids = IdMaker(self._token)
        self._protection = Protection(pii_key or folder.parent / personal.KEY_FILE)
        self._lock = threading.Lock()
        self._segment: Segment | None = None
        self._closed: list[Segment] = []  # to be put on the disk and let go of
        self._unsynced_since = 0.0
        self._fault: str | None = None  # why nothing could be written the last time
        self._tried = 0.0  # when something was last written, or tried to
        self._is_closed = False
        self._suspect = False  # the open segment must not be written any more: its bytes are to be written anew
        self._wake, self._ending = threading.Event(), threading.Event()
        for path in segments(folder):
            self._settle(path)
        try:
            self._segment = self._opened(self._now())
        except OSError as error:
            self._refuse(error, 0, policy)
        self._thread = threading.Thread(target=self._sync_for_ever, name="prediction-log", daemon=True)
        self._thread.start()

    # -- writing ------------------------------------------------------------------------------------------------

    def new_ids(self, n: int) -> list[str]:
        """Return ids for rows that will be appended now: 32 hex digits, which nobody can guess."""
        return self._ids.make(n, self._now() // US_PER_HOUR, self._segment.end if self._segment else 0)

    def append(self, columns: Columns, rows: Sequence[Logged]) -> None:
        """Write answered rows with one system call, all of them or none.

        Raises
        ------
        ResourceError under `strict` if they are not written: answer none of them. ValueError if a row has not as many
        values as there are columns.
        """
        n_features, n_keys = len(columns.features), len(columns.keys)
        for row in rows:
            if len(row.features) != n_features or len(row.keys) not in (0, n_keys):
                n_values = f"{len(row.features)} features and {len(row.keys)} keys"
                raise ValueError(f"{n_values} do not fit {n_features} and {n_keys} columns")
        self._write(columns, Predictions, rows, self.policy)

    def append_feedback(self, columns: Columns, rows: Sequence[Feedback]) -> None:
        """Write what came back; raises ResourceError if it is not written, whatever the policy: nobody took it then."""
        self._write(columns, FeedbackRows, rows, "strict")

    def append_shadows(self, columns: Columns, rows: Sequence[Shadowed | tuple[Any, ...]]) -> None:
        """Write what nobody was told, as records or their fields; `columns` are those of the answers.

        Raises
        ------
        ResourceError if it is not written.
        """
        self._write(columns, Shadows, rows, "strict")

    def _write(self, columns: Columns, kind: Any, rows: Sequence[Any], policy: LogPolicy) -> None:
        if not rows:
            return
        try:
            protect = None if kind is Shadows else self._protecting(columns, kind)
            if protect is not None:
                rows = [protect(row) for row in rows]
            with self._lock:
                self._write_locked(columns, kind, rows)
        except OSError as error:
            self._refuse(error, len(rows), policy)
        except (IntegrityError, ResourceError) as error:  # the key of personal values is not the one, or cannot be had
            self._fault = error.what
            if policy == "strict":
                raise ResourceError(error.code, error.what, where=error.where, next_step=error.next_step) from error
            self._count_lost(error, len(rows))

    def _protecting(self, columns: Columns, kind: Any) -> Callable[[Any], Any] | None:
        rules = self._protection.of(columns)
        return rules.logged if kind is Predictions else rules.feedback

    def _write_locked(self, columns: Columns, kind: Any, rows: Sequence[Any]) -> None:
        now_us = self._now()
        segment = self._usable(now_us)
        if segment.end and (segment.end >= self._max_bytes or now_us // US_PER_HOUR > segment.hour):
            segment = self._rotated(now_us)
        try:
            self.bytes += segment.write(columns, kind, rows)
        except OSError:
            self._suspect = not segment.is_whole()
            raise
        if not segment.is_in_place():
            segment = self._renew(now_us)
            if segment.end == 0:
                segment.write(columns, kind, rows)
        self._fault, self._tried = None, time.monotonic()
        if not self._unsynced_since:
            self._unsynced_since = self._tried
            self._wake.set()

    def _usable(self, now_us: int) -> Segment:
        if self._is_closed:
            raise OSError(EBADF, "the log is closed")
        if self._segment is None:
            self._segment = self._opened(now_us)
        elif self._suspect:
            self._segment = self._renew(now_us)
        return self._segment

    def _opened(self, now_us: int) -> Segment:
        segment = Segment(self.folder / SEGMENTS, self._token, self._number + 1, now_us=now_us)
        self._number = segment.number
        return segment

    def _rotated(self, now_us: int) -> Segment:
        segment = self._opened(now_us)
        self._retire(now_us)
        self._segment = segment
        return segment

    def _retire(self, now_us: int) -> None:
        """Give the open segment to the thread that puts it on the disk and closes it."""
        if self._segment is not None and (self._suspect or not self._segment.is_in_place()):
            self._renew(now_us)
        if self._segment is not None:
            self._closed.append(self._segment)
        self._segment = None
        self._wake.set()

    def _renew(self, now_us: int) -> Segment:
        """Write the open segment's bytes anew, because its path does not name it any more, or the disk failed it.

        A file that somebody else wrote to or cut short is left as it is, and the new segment is empty.

        Raises
        ------
        OSError if that is not possible; it is tried again before the next rows are written.
        """
        before = self._segment
        assert before is not None
        self._suspect = True
        is_gone = not before.has_its_name()
        self.vanished += is_gone
        segment = self._opened(now_us)
        segment.mark = before.mark  # a row that stands in both is read once
        try:
            if before.is_whole() or is_gone:
                before.copy_to(segment)
                os.fdatasync(segment.fd)
            if not segment.is_in_place():
                raise OSError(ENOENT, "its bytes were written anew, and are not in place either")
        except OSError:
            segment.discard()
            raise
        what = "is not in place any more" if is_gone else "cannot be relied on any more"
        log.error("LOG002: %s %s: %d of its bytes stand in %s", before.path, what, segment.end, segment.path)
        before.close()
        self._segment, self._suspect = segment, False
        return segment

    # -- being well ---------------------------------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether rows can be logged now: the last outcome, or that of a try where it is older than a second."""
        if not self._is_closed and time.monotonic() - self._tried >= PROBE_SECONDS:
            self._tried = time.monotonic()
            with self._lock:
                self._try()
        return self._fault is None

    def _try(self) -> None:
        try:
            segment = self._usable(self._now())
            if not segment.is_in_place():
                segment = self._renew(self._now())
            segment.probe()
            self._fault = None
        except OSError as error:
            self._fault = str(error)
            self._suspect = self._suspect or (self._segment is not None and not self._segment.is_whole())

    @property
    def unsynced_seconds(self) -> float:
        """How long the oldest bytes have waited for the disk; 0 if none wait."""
        since = self._unsynced_since
        return time.monotonic() - since if since else 0.0

    def _refuse(self, error: OSError, n_rows: int, policy: LogPolicy) -> None:
        self._fault, self._tried = str(error), time.monotonic()
        why = error.strerror or str(error)
        if self._suspect:
            what = f"what the prediction log holds is not in place, and cannot be written anew: {why}"
            failure = ResourceError("LOG002", what, where=str(self.folder), next_step=NEXT_STEP)
        else:
            what = f"the prediction log cannot be written: {why}"
            failure = ResourceError("LOG001", what, where=str(self.folder), next_step=NEXT_STEP)
        if policy == "strict":
            raise failure from error
        self._count_lost(failure, n_rows)

    def _count_lost(self, failure: EvergreenError, n_rows: int) -> None:
        first = self.lost == 0
        self.lost += n_rows
        if first or self.lost % 10_000 < n_rows:
            log.error("%s; %d rows answered without it so far", failure, self.lost)

    # -- reading back -------------------------------------------------------------------------------------------

    def find(self, prediction_id: str) -> tuple[Columns, Logged] | None:
        """Return what was logged of a prediction, None if it is not in the log."""
        return find(self.folder, prediction_id)

    # -- the disk -----------------------------------------------------------------------------------------------

    def _sync_for_ever(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(timeout=3600 - self._clock() / 1e9 % 3600 + 1)
            self._ending.wait(SYNC_SECONDS)
            self._wake.clear()
            try:
                self._retire_of_past_hour()
                self._sync()
            except OSError as error:
                self._unwell(error, str(self.folder))

    def _retire_of_past_hour(self) -> None:
        """Let go of a segment that nothing is written to any more, so that it can be rolled."""
        with self._lock:
            segment, now_us = self._segment, self._now()
            if segment is not None and segment.end and now_us // US_PER_HOUR > segment.hour:
                self._retire(now_us)

    def _unwell(self, error: OSError, where: str) -> None:
        self._fault, self._tried = str(error), 0.0
        log.error("LOG001: what was logged did not reach the disk: %s: %s", where, error)

    def _sync(self) -> None:
        with self._lock:
            closed, self._closed = self._closed, []
            segment, since, self._unsynced_since = self._segment, self._unsynced_since, 0.0
            fd = os.dup(segment.fd) if segment is not None and since else -1
        try:
            if fd >= 0:
                os.fdatasync(fd)
        except OSError as error:  # what the disk did not take is forgotten by the system: it is written all anew
            with self._lock:
                self._suspect = self._suspect or self._segment is segment
            self._unwell(error, str(self.folder))
        finally:
            if fd >= 0:
                os.close(fd)
        for each in closed:
            try:
                each.seal()
            except OSError as error:
                self._unwell(error, str(each.path))
            finally:
                each.close()

    def _settle(self, path: Path) -> None:
        try:
            settle(path)
        except OSError as error:
            log.warning("%s is left as it is: %s", path, error)

    def close(self) -> None:
        """Put everything on the disk and close the segment; nothing can be appended afterwards."""
        self._ending.set()
        self._wake.set()
        self._thread.join()
        with self._lock:
            if self._is_closed:
                return
            try:
                self._retire(self._now())
            except OSError as error:
                self._unwell(error, str(self.folder))
            self._is_closed, self._fault = True, "the log is closed"
        self._sync()

    def _now(self) -> int:
        return self._clock() // 1000
