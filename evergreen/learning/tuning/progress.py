"""How far a search has come: logged with each trial, for whoever shows it."""

from typing import NamedTuple


class Progress(NamedTuple):
    """Finished trials, how many there are to be, and the best score so far."""

    done: int
    of: int
    best: float | None

    def __str__(self) -> str:
        best = "no score yet" if self.best is None else f"best so far {self.best:.4f}"
        return f"trial {self.done} of {self.of}, {best}"
