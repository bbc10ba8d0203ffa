"""What somebody is told of once, however often it is found: an incident, from when it was found until it ended."""

from datetime import datetime
from typing import Literal, NamedTuple

from evergreen.base.values import Value, digest_of

Kind = Literal[
    "data-fault",
    "skew",
    "harm",
    "automation",
    "circuit-open",
    "labels-late",
    "silence",
    "retraining-refused",
    "retraining-failed",
    "probe-failed",
    "approval-waiting",
]
Severity = Literal["page", "note"]
LONGEST = 60  # characters of a subject within a key


class About(NamedTuple):
    """What is said of every incident of a kind: how urgent it is, its name, and what to do next."""

    severity: Severity
    title: str
    next_step: str


KINDS: dict[Kind, About] = {
    "data-fault": About("page", "the data has a fault", "Mend the source; no training starts until then."),
    "skew": About("page", "what is served differs from what training sees", "Find which of the two is wrong."),
    "harm": About("page", "the promise is broken", "See what the last look found, and what retraining decided."),
    "automation": About(
        "page",
        "more automatic answers are wrong than promised",
        "People decide every row now: see what changed, then: evergreen degree show",
    ),
    "circuit-open": About(
        "page",
        "no further training starts by itself",
        "Find out why training does not help, then: evergreen retrain --reason",
    ),
    "labels-late": About("note", "labels are late", "Ask whoever sends them; harm cannot be noticed without."),
    "silence": About("page", "nobody looks any more", "See whether the schedule runs: evergreen doctor"),
    "retraining-refused": About(
        "note", "the gate refuses what is trained", "See what the gate asks: evergreen history"
    ),
    "retraining-failed": About(
        "page", "a retraining was decided and not done", "Run it, and see how it ends: evergreen retrain"
    ),
    "probe-failed": About("note", "whether training would help could not be measured", "See why in the last look."),
    "approval-waiting": About("note", "a version waits for a person", "evergreen approve, or: evergreen reject"),
}


class Incident(Value):
    """One thing that somebody is told of.

    `subject`: whom it is about within its kind: columns, a version, a window; empty where it is the model itself.
    `since`: when it was found first: the time as of which a look found it, or the ledger's; `until`: the same of its
    end, None while it lasts. `evidence`: as it was found last. `ended`: why it is over. `runbook`: the page that says
    what to do, relative to the project.
    """

    model: str
    kind: Kind
    subject: str
    since: datetime
    until: datetime | None = None
    evidence: str
    ended: str | None = None

    @property
    def key(self) -> str:
        """What names the incident in the ledger: its kind, whom it is about, and since when."""
        subject = self.subject
        if len(subject) > LONGEST or not subject.isprintable():
            subject = f"{digest_of(subject)[:12]}"
        return f"{self.kind}:{subject}:{self.since:%Y%m%dT%H%M%SZ}"

    @property
    def is_open(self) -> bool:
        return self.until is None

    @property
    def severity(self) -> Severity:
        return KINDS[self.kind].severity

    @property
    def title(self) -> str:
        """Its kind in words."""
        return KINDS[self.kind].title

    @property
    def next_step(self) -> str:
        return KINDS[self.kind].next_step

    @property
    def runbook(self) -> str:
        return runbook(self.kind)


def runbook(kind: Kind) -> str:
    """Return the page that says what to do about a kind of incident, relative to the project.

    Examples
    --------
    >>> runbook("harm")
    'docs/runbooks/harm.md'
    """
    return f"docs/runbooks/{kind}.md"
