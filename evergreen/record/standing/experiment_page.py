"""An experiment as one page that asks nobody for anything: what follows from it, and how that came about over time."""

from collections.abc import Sequence
from datetime import datetime

from evergreen.decisions.experiments.design import Design, Goal, Guard
from evergreen.decisions.experiments.reading import Reading, figures
from evergreen.decisions.experiments.verdict import Decision
from evergreen.record.experiments.course import Look, Report
from evergreen.record.experiments.kept import Experiment
from evergreen.record.registry.card.webpage import text
from evergreen.record.standing.chart import Axis, End, band, instants_axis, line, ordinal, plot, values_axis
from evergreen.record.standing.markup import facts, glyph, table, unknown, word
from evergreen.record.standing.style import GLYPHS, STYLE
from evergreen.record.standing.values import State
from evergreen.record.standing.webpage import POLICY
from evergreen.record.standing.words import day

STATES: dict[str, State] = {"promote": "OK", "keep": "NOTE", "inconclusive": "UNKNOWN"}
READ = {
    "variant": "k",
    "metric": "v",
    "champion": "n",
    "variant's": "n",
    "difference": "n",
    "at all looks": "n",
    "p": "n",
    "width": "n minor",
    "of planned": "n",
}
ARMS = {"variant": "k", "version": "n v", "units": "n", "by its share": "n"}
WRAPPED = "h2{overflow-wrap:anywhere}"  # names of variants are as long as people make them
ALL_LOOKS = "holds at all looks together"
CLIPPED = 3.0  # intervals of the first looks are not drawn wider than so many times the last one


def render(model: str, experiment: Experiment, report: Report) -> str:
    """Return the page."""
    design, last = experiment.design, report.last
    parts = (
        _head(model, experiment, last.at),
        _decision(last.decision),
        _charts(design, report),
        _readings(design, last),
        _units(experiment, report),
        "<footer>Read from the ledger and the prediction log. The same for programs: evergreen experiment report "
        "--json</footer>",
    )
    body = "\n".join(filter(None, parts))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{text(last.decision.answer)}: {text(design.name)}</title><style>{STYLE}{WRAPPED}</style></head>\n"
        f"<body>{GLYPHS}<main>\n{body}\n</main></body></html>\n"
    )


def sentence(decision: Decision) -> str:
    """Return what follows, in one sentence."""
    if decision.answer == "promote":
        return f"{decision.variant} is {decision.why}."
    if decision.answer == "keep":
        return f"Keep the champion: {decision.why}."
    return f"{decision.why[:1].upper()}{decision.why[1:]}."


def _head(model: str, experiment: Experiment, at: datetime) -> str:
    state = "runs" if experiment.ended is None else f"ended on {day(experiment.ended.at)}"
    when = f"experiment {experiment.design.name}, {state}, as of {day(at)}, {at:%H:%M} UTC"
    return f'<p class="eyebrow"><b>{text(model)}</b><span>{text(when)}</span></p>'


def _decision(decision: Decision) -> str:
    state = STATES[decision.answer]
    wants = "".join(
        f'<li><span class="where">{glyph("UNKNOWN")}<span>would decide</span></span><span>{text(want)}</span></li>'
        for want in decision.would_decide
    )
    over = ""
    if decision.is_over and decision.answer == "inconclusive":
        over = '<p class="about">As many units were seen as were planned.</p>'
    return f"<h1>{text(sentence(decision))}</h1>\n<p>{word(state)} <b>{text(decision.answer)}</b></p>{over}" + (
        f'<ul class="next">{wants}</ul>' if wants else ""
    )


def _charts(design: Design, report: Report) -> str:
    """Return for each goal and variant the difference over time, with its interval."""
    drawn = []
    for goal in design.asked:
        for variant in design.variants:
            course = [
                (look.at, one)
                for look in report.looks
                for one in look.readings
                if (one.variant, one.metric) == (variant.name, goal.metric)
            ]
            heading = f"{goal.metric}: {variant.name} minus the champion"
            about = f"{goal.better} is better; {_limit(goal)}. Band: the interval, which {ALL_LOOKS}."
            picture = _chart(goal, course)
            drawn.append(f'<section><h2>{text(heading)}</h2><p class="about">{text(about)}</p>{picture}</section>')
    return "".join(drawn)


def _limit(asked: Goal | Guard) -> str:
    if isinstance(asked, Goal):
        return f"worth having from {asked.effect:g} on"
    return f"may lose {asked.margin:g} at most"


def _chart(asked: Goal | Guard, course: Sequence[tuple[datetime, Reading]]) -> str:
    known = [(at, one) for at, one in course if one.low is not None and one.high is not None]
    if not known:
        return unknown("too few units in each variant", "An interval is drawn from 50 in each on")
    last = known[-1][1]
    low, high, middle = (value or 0.0 for value in (last.low, last.high, last.difference))
    widest = CLIPPED * (high - low) / 2
    least, most = middle - widest, middle + widest
    ends = [(at, _within(one.low, least, most), _within(one.high, least, most)) for at, one in known]
    worth = _worth(asked)
    values = values_axis([*(end for _, *both in ends for end in both), 0.0, worth])
    first, until = course[0][0], course[-1][0]
    axis = instants_axis(first, until)
    drawn = (
        _level(0.0, values, kind="cut")
        + _level(worth, values, kind="limit")
        + band([(at, one) for at, one, _ in ends], [(at, two) for at, _, two in ends], axis, values)
        + line(
            [(at, _within(one.difference, least, most)) for at, one in known], axis, values, kind="main", dots="dots"
        )
        + _told(known, axis)
    )
    limit = "worth having" if isinstance(asked, Goal) else "may be lost"
    named = [End("now", middle, f"{middle:+.3g}", is_main=True), End(limit, worth, f"{worth:+.3g}")]
    about = f"{asked.metric} differs by {middle:+.3g}, between {low:+.3g} and {high:+.3g}, after {len(known)} looks"
    return plot(
        drawn, axis, values, about=about, shown=lambda value: f"{value:+.12g}" if value else "0", high=240, ends=named
    )


def _worth(asked: Goal | Guard) -> float:
    """Return the difference that is worth having, or may be lost, with its sign."""
    if isinstance(asked, Goal):
        return asked.effect if asked.better == "higher" else -asked.effect
    return -asked.margin if asked.better == "higher" else asked.margin


def _within(value: float | None, least: float, most: float) -> float | None:
    return None if value is None else min(max(value, least), most)


def _level(value: float, values: Axis, *, kind: str) -> str:
    at = 1000 - values.share(value) * 1000
    return f'<path class="{kind}" d="M0 {at:.1f}H1000"/>'


def _told(known: Sequence[tuple[datetime, Reading]], axis: Axis) -> str:
    """Return what says the figures of a look while somebody points at it."""
    spans = [(at, f"{at:%Y-%m-%d %H:%M} UTC: {figures(one)[0]}, {figures(one)[1]}") for at, one in known]
    width = 1000 / max(len(spans), 1)
    return "".join(
        f'<rect class="hit" x="{axis.share(ordinal(at)) * 1000 - width / 2:.1f}" y="0" width="{width:.1f}" '
        f'height="1000"><title>{text(said)}</title></rect>'
        for at, said in spans
    )


def _readings(design: Design, last: Look) -> str:
    rows = []
    for one in last.readings:
        differs, between = figures(one)
        rows.append(
            [
                f"<span>{text(one.variant)}</span>",
                text(one.metric),
                *("" if group is None else f"{group.mean:.4g}" for group in (one.champion, one.seen)),
                differs,
                between,
                f"{one.p_value:.3g}" if one.is_goal else "a guard",
                "" if one.width is None else f"{one.width:.0%}",
                f"{one.progress:.0%}",
            ]
        )
    adjusted = " Width: of the interval, as a share of what it is without the champion's answer taken out."
    return (
        f'<section><h2>Now</h2><p class="about">p: corrected for {len(design.goals) * len(design.variants)} that may '
        f"decide; below {design.alpha:g} counts.{adjusted if design.adjust else ''}</p>{table(READ, rows)}</section>"
    )


def _units(experiment: Experiment, report: Report) -> str:
    design, last = experiment.design, report.last
    versions = (design.champion, *(variant.version for variant in design.variants))
    arms = table(
        ARMS,
        (
            [f"<span>{text(name)}</span>", f"v{version}", f"{count:,}", f"{expected:,.0f}"]
            for name, version, count, expected in zip(
                design.names, versions, last.units.counts, last.units.expected, strict=True
            )
        ),
    )
    rows = {}
    rows["shares as planned"] = "no" if last.units.is_off else f"nothing against it (p {last.units.p_value:.3g})"
    rows["a unit"] = ", ".join(design.unit) or "each prediction"
    rows["begun by"] = f"{experiment.by} on {day(experiment.begun)}: {experiment.reason}"
    rows["what follows"] = "a rollout of what is better" if design.then == "rollout" else "a person decides"
    if report.fell_back:
        told = (f"{why}, {n:,} rows" for why, n in sorted(report.fell_back.items()))
        rows["the champion answered for"] = "; ".join(told)
    if report.mixed:
        rows["met several variants, left out"] = f"{report.mixed:,} units"
    if report.keyless:
        rows["without the unit's columns"] = f"{report.keyless:,} of {report.rows:,} rows"
    return f"<section><h2>Who was assigned</h2>{arms}{facts(rows)}</section>"
