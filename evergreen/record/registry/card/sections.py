"""The parts of a card as blocks, which the model card and the headings of Annex IV share."""

from collections.abc import Sequence

from evergreen.decisions.gate.check import plural
from evergreen.record.registry.card.document import (
    Block,
    Cell,
    Facts,
    Interval,
    Items,
    Paragraph,
    Rows,
    Token,
    listed,
    number,
)
from evergreen.record.registry.card.values import Card, Logged, Measured, Part

MOST_COLUMNS = 200
MOST_PARTS = 100
NOT_STATED = "Not stated."
TASKS = {"binary": "a truth value", "multiclass": "one of several classes", "regression": "a number"}
DOORS = {"approval": "approved", "rejection": "rejected", "promotion": "promoted", "rollback": "brought back"}
UNITS = {"share": "", "correlation": "", "nats": "nats", "target": "unit of the target", "own": "own unit"}


def details(card: Card) -> list[Block]:
    """Return which model it is, and who made it."""
    of = card.details
    refitted = of.judged_digest != of.digest
    return [
        Facts(
            (
                ("model", of.name),
                ("version", str(of.version)),
                ("what it says", f"{of.target}: {TASKS[of.task]}"),
                ("classes", ", ".join(of.classes) or None),
                ("family", Token(of.family)),
                ("digest of the model", Token(of.digest)),
                ("digest of the model that was judged", Token(of.judged_digest) if refitted else None),
                ("digest of the package", Token(of.package) if of.package else None),
                ("judged at", f"{of.trained_at:%Y-%m-%d %H:%M} UTC"),
                ("author", of.author or "unknown"),
                ("owner", card.people.owner or NOT_STATED),
                ("licence", card.people.licence or NOT_STATED),
                ("version before", None if of.predecessor is None else str(of.predecessor)),
                ("run in MLflow", Token(of.run_id)),
            )
        ),
        *decisions(card),
    ]


def decisions(card: Card) -> list[Block]:
    """Return who let it in, and why."""
    if not card.decisions:
        return [Paragraph("Nobody has decided about it yet.")]
    rows = tuple((f"{one.at:%Y-%m-%d %H:%M}", DOORS[one.kind], one.by, one.reason) for one in card.decisions)
    return [Rows(("when (UTC)", "what", "by", "why"), rows)]


def parameters(card: Card) -> list[Block]:
    """Return the parameters that the search chose."""
    rows = tuple((Token(name), _value(value)) for name, value in sorted(card.details.parameters.items()))
    return (
        [Rows(("parameter", "value"), rows)] if rows else [Paragraph("The family has no parameters that were chosen.")]
    )


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def data(card: Card) -> list[Block]:
    """Return what it learned from."""
    of = card.data
    warned: list[Block] = [Paragraph("Validation warned of:"), Items(of.warnings)] if of.warnings else []
    asked = " to ".join(str(day) if day else "the " + end for day, end in ((of.start, "beginning"), (of.end, "end")))
    return [
        Facts(
            (
                ("source", "; ".join(of.sources)),
                ("period", f"{asked}, cut in {of.timezone}" if of.rows_end else None),
                ("last labelled row before", str(of.rows_end) if of.rows_end else None),
                ("key", ", ".join(of.key) or "none"),
                ("a label is known after", f"{of.label_delay_days} {plural('day', of.label_delay_days)}"),
                ("rows kept", of.kept),
                ("rows set aside", of.quarantined),
            )
        ),
        Rows(
            ("table", "rows", "sha256"),
            tuple((table.name, f"{table.rows:,}", Token(table.sha256)) for table in of.tables),
        ),
        *warned,
    ]


def columns(card: Card) -> list[Block]:
    """Return the columns of the contract; of personal ones no value is anywhere on the card."""
    shown = card.data.columns[:MOST_COLUMNS]
    rows = tuple(
        (one.name, one.type, one.role, one.unit, f"personal: {one.personal}" if one.personal else "", one.description)
        for one in shown
    )
    left = len(card.data.columns) - len(shown)
    more: list[Block] = [Paragraph(f"And {left} more.")] if left else []
    return [Rows(("column", "type", "role", "unit", "personal", "description"), rows), *more]


def preprocessing(card: Card) -> list[Block]:
    """Return how features come about."""
    return [Items(card.preprocessing)]


def split(card: Card) -> list[Block]:
    """Return which rows judge."""
    of = card.evaluation
    return [Items(card.split), Facts((("rows it was fitted on", of.fitted), ("rows it was judged on", of.judged)))]


def metrics(card: Card) -> list[Block]:
    """Return every metric with its interval, and the same ones of other models."""
    of = card.evaluation
    drawn = (
        f"Intervals of {of.confidence:.0%} draw whole {plural(of.unit, 2)}, of which there are {of.n_clusters:,}."
        if of.n_clusters
        else "No interval was drawn."
    )
    undefined = f" Undefined on these rows: {', '.join(of.undefined)}." if of.undefined else ""
    rows = tuple(_metric(one) for one in of.metrics)
    others = tuple(dict.fromkeys(name for one in of.metrics for name in one.others))
    beside = tuple((Token(one.metric), one.value, *(one.others.get(name) for name in others)) for one in of.metrics)
    gains = tuple((Token(one.metric), *one.gain) for one in of.metrics if one.gain)
    return [
        Paragraph(f"On the gate's {number(of.judged)} rows, which tuning never saw. {drawn}{undefined}"),
        Rows(("metric", "value", "interval", "better is", "unit"), rows),
        Paragraph(
            f"The same metrics of others on the same rows: baseline is {of.baseline}, which the gate compared it "
            "with; train is the model itself on the rows that it was fitted on."
        ),
        Rows(("metric", "model", *others), beside),
        *([Paragraph(f"Its gain over {of.baseline}, on the same rows:")] if gains else []),
        *([Rows(("metric", "gain_low", "gain_high"), gains)] if gains else []),
        Paragraph(
            "Each number stands in the run in MLflow under the name of its row, with that of its column before it "
            "(baseline_, prior_, train_, gain_) or after it (_low, _high)."
        ),
    ]


def _metric(one: Measured) -> tuple[Cell, ...]:
    better = "more" if one.greater_is_better else "less"
    shown = tuple((name, logged) for name, logged in one.others.items() if name != "train")
    interval = Interval(one.low, one.high, one.value, shown) if one.low and one.high else None
    return Token(one.metric), one.value, interval, better, UNITS.get(one.unit, one.unit)


def classes(card: Card) -> list[Block]:
    """Return the numbers of each class."""
    if card.details.task == "regression":
        return [Paragraph("The target is a number; it has no classes.")]
    return _parts("class", card.evaluation.classes, instead="No number of a class was logged.")


def slices(card: Card) -> list[Block]:
    """Return the numbers of each slice, among them protected groups."""
    instead = "No slices were declared, and no column has the role protected."
    return _parts("slice", card.evaluation.slices, instead=instead)


def _parts(kind: str, parts: Sequence[Part], *, instead: str) -> list[Block]:
    if not parts:
        return [Paragraph(instead)]
    known = tuple(dict.fromkeys(what for part in parts for what in part.numbers))
    shown = parts[:MOST_PARTS]
    rows = tuple((part.name, _place(part), *(part.numbers.get(what) for what in known)) for part in shown)
    left = f" And {len(parts) - len(shown)} more." if len(parts) > len(shown) else ""
    example = next(iter(parts[0].numbers.values())).name
    return [
        Rows((kind, "logged as", *known), rows),
        Paragraph(f"Each number is logged under the name of its row and its column, such as {example}.{left}"),
    ]


def _place(part: Part) -> Token:
    """Return what the logged names of a part begin with."""
    logged: Logged = next(iter(part.numbers.values()))
    return Token(logged.name.rpartition(".")[0])


def gate(card: Card) -> list[Block]:
    """Return what the gate said, check by check."""
    of = card.gate
    rows = tuple((Token(check.code), check.name, check.outcome, check.text) for check in of.checks)
    return [
        Facts(
            (
                ("verdict", of.verdict),
                ("rule", of.rule),
                ("why", of.reason),
                ("judged by", Token(of.metric)),
                ("what it could tell apart", of.sees or "nothing, with these rows"),
                ("error given to it", None if of.level is None else f"{of.level:.2g}"),
                ("times these rows have chosen", str(of.uses)),
            )
        ),
        Rows(("code", "check", "outcome", "what it saw"), rows),
    ]


def calibration(card: Card) -> list[Block]:
    """Return whether probabilities hold, and from which on the answer is true."""
    of, at = card.calibration, card.threshold
    blocks: list[Block] = []
    if card.details.task == "regression":
        return [Paragraph("The target is a number; there is no probability to calibrate.")]
    if of is None:
        blocks.append(Paragraph("Calibration was not measured."))
    else:
        said = "is part of the model" if of.is_applied else "was measured and left out, because it gained too little"
        blocks += [
            Paragraph(
                f"A map of the probabilities ({of.method}) {said}. On validation rows that it was not fitted on:"
            ),
            Rows(
                ("metric", "before", "after"),
                tuple((Token(f"calibration_{name}"), of.before.get(name), of.after.get(name)) for name in of.before),
            ),
        ]
    if at:
        blocks.append(Facts((("answered with true from a probability of", at.value), ("which was", at.how))))
    return blocks


def limits(card: Card) -> list[Block]:
    """Return what people know of limits, and what the evidence cannot say."""
    return [
        listed(card.people.limitations),
        Paragraph("What the evidence cannot say:"),
        listed(card.limits, instead="Nothing was found."),
    ]


def ethics(card: Card) -> list[Block]:
    """Return what people say of harm, and which columns are about persons."""
    return [
        listed(card.people.ethics),
        Facts(
            (
                ("protected columns", ", ".join(card.protected) or "none declared"),
                ("personal columns", ", ".join(card.personal) or "none declared"),
            )
        ),
    ]


def origin(card: Card) -> list[Block]:
    """Return what a version is made of but its rows."""
    of = card.details
    clean = "with changes that are not committed: " + ", ".join(of.changed) if of.changed else ""
    return [
        Facts(
            (
                ("commit", Token(of.commit)),
                ("not as committed", clean or None),
                ("digest of the code", Token(of.code_digest)),
                ("digest of the parameters", Token(of.params_digest)),
                ("digest of the lock", Token(of.lock_digest) if of.lock_digest else None),
                ("Python", of.python),
            )
        ),
        *(
            [Rows(("package", "version"), tuple((Token(name), pin) for name, pin in sorted(of.packages.items())))]
            if of.packages
            else []
        ),
    ]
