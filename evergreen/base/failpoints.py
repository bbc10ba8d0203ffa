"""Named places where a campaign ends the process on purpose, to show that nothing is left half done."""

import os
import signal

# In the order in which a candidate that passed the gate goes through them.
POINTS = (
    "register.numbered",
    "register.versioned",
    "package.staged",
    "package.built",
    "package.published",
    "promote.registered",
    "promote.begun",
    "promote.recorded",
    "promote.committed",
    "mirror.done",
)
# Of a look and what follows of it, in order.
OF_RETRAINING = ("look.decided", "look.recorded", "retraining.begun", "training.made", "retraining.trained")
# Of what is done to logged predictions.
OF_PREDICTIONS = (
    "roll.written",
    "roll.published",
    "roll.removed",
    "import.copied",
    "forget.rewritten",
    "labels.written",
    "labels.published",
)
_armed = ""


def arm(name: str) -> None:
    """Let this process be killed, as by ``kill -9``, when it reaches a point."""
    global _armed
    if name not in (*POINTS, *OF_RETRAINING, *OF_PREDICTIONS):
        raise ValueError(f"no failpoint '{name}'")
    _armed = name


def reach(name: str) -> None:
    """Say that a point is reached; nothing happens unless it was armed."""
    if _armed == name:
        os.kill(os.getpid(), signal.SIGKILL)
