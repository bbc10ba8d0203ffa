"""The page's tables: inputs, decisions and windows."""

from collections.abc import Sequence

from evergreen.decisions.rollout.traffic import CHAMPION
from evergreen.record.bandits import Bandit
from evergreen.record.experiments.kept import Experiment
from evergreen.record.registry.card.webpage import text
from evergreen.record.standing.markup import glyph, meter, table
from evergreen.record.standing.values import Champion, Decided, Input, RolledOut, Standing, Window
from evergreen.record.standing.words import day, period

MOST_INPUTS, MOST_WINDOWS = 12, 12
INPUTS = {
    "column": "k",
    "state": "v",
    "what was seen": "wide",
    "effect on answers": "n",
    "moved": "n",
    "missing before": "n minor",
    "missing now": "n minor",
}
ROLLOUTS = {
    "rollout": "k",
    "version": "n v",
    "at": "v",
    "share of the traffic": "n",
    "since": "n minor",
    "what the last look or move says": "wide",
    "rows answered": "n",
}
EXPERIMENTS = {"experiment": "k", "answer": "v", "why": "wide", "compared": "", "from": "n"}
BANDITS = {"bandit": "k", "shares": "wide", "by so many rewards": "n", "since": "n", "from": "n"}
DECISIONS = {"window": "k", "decided": "v", "why": "wide", "came of it": "", "cost": "n", "gained": "n"}
WINDOWS = {
    "window": "k",
    "version": "n v",
    "rows": "n",
    "measured": "n",
    "estimated": "n",
    "loss": "n",
    "promised": "n",
    "labels due": "n minor",
    "came": "n",
}


def inputs(found: Standing) -> str:
    """Return the columns of the last window, broken ones first, then by their effect."""
    if not found.inputs:
        return ""
    most = max((one.effect or 0.0 for one in found.inputs), default=0.0) or 1.0
    rows = [_input(one, most) for one in found.inputs[:MOST_INPUTS]]
    return (
        f'<section><h2>Inputs by effect</h2><p class="about">{text(found.inputs_of or "")}. Effect: importance times '
        "the share of rows that lie elsewhere now. Moved: in standard deviations of a row.</p>"
        f"{table(INPUTS, rows)}{_more(len(found.inputs) - MOST_INPUTS, 'more, of less effect')}</section>"
    )


def _input(one: Input, most: float) -> list[str]:
    before, now = ("" if share is None else f"{share:.1%}" for share in one.missing)
    if before == now == "0.0%":
        before = now = ""
    return [
        f"<span>{text(one.name)}</span>",
        f"<span>{glyph(one.state)} {text(one.verdict)}</span>",
        f"<small>{text(one.evidence)}</small>" if one.state in ("BAD", "NOTE") else "",
        "" if one.effect is None else f"{meter(one.effect / most)}<span>{one.effect:.3f}</span>",
        "" if one.moved is None else f"{one.moved:+.2f}",
        before,
        now,
    ]


def rollouts(found: Standing) -> str:
    """Return the rollout that is under way and the last ones, the newest first."""
    if not found.rollouts:
        return ""
    return (
        '<section><h2>Rollouts</h2><p class="about">A version comes into service by degrees: a shadow that is never '
        "heard, shares of the traffic, and all of it. Now, check by check: evergreen rollout status</p>"
        f"{table(ROLLOUTS, map(_rollout, found.rollouts))}</section>"
    )


def _rollout(one: RolledOut) -> list[str]:
    where = f"{glyph(one.state)} {text(one.did if one.ended else one.step)}"
    when = f"{day(one.since)}<small>ended {day(one.ended)}</small>" if one.ended else day(one.since)
    return [
        f"<span>{text(one.name)}<small>{text(one.plan)}</small></span>",
        f"<span>v{one.version}<small>against v{one.champion}</small></span>",
        f"<span>{where}</span>",
        f"{meter(one.share)}<span>{one.share:.0%}</span>",
        f"<span>{when}</span>",
        f"{text(one.says)}<small>{text(one.by)}</small>",
        f"{one.answered:,}",
    ]


def experiments(found: Standing) -> str:
    """Return the last experiments, the newest first: who is compared, and what the last look that was kept says."""
    if not found.experiments:
        return ""
    shown = table(EXPERIMENTS, map(_experiment, reversed(found.experiments)))
    about = "What the last look said that was kept. Now: evergreen experiment report"
    return f'<section><h2>Experiments</h2><p class="about">{about}</p>{shown}</section>'


def _experiment(one: Experiment) -> list[str]:
    design, last = one.design, one.last
    until = f" to {day(one.ended.at)}" if one.ended else ", runs"
    versions = ", ".join(f"{text(variant.name)} v{variant.version}" for variant in design.variants)
    why = "" if last is None else f"{text(last.why)}<small>{text('; '.join(last.would_decide))}</small>"
    return [
        f"<span>{text(design.name)}</span>",
        "no look yet" if last is None else f"<span>{last.answer} {text(last.variant or '')}</span>",
        why,
        f"<span>champion v{design.champion}, {versions}</span>",
        f"<span>{day(one.begun)}{until}</span>",
    ]


def bandits(found: Standing) -> str:
    """Return the last bandits, the newest first: which share each arm has, or had last, and what that stands on."""
    if not found.bandits:
        return ""
    shown = table(BANDITS, (_bandit(one, found.champion) for one in reversed(found.bandits)))
    about = "Versions share the traffic by what each of them brings. What they brought: evergreen bandit report"
    return f'<section><h2>Bandits</h2><p class="about">{about}</p>{shown}</section>'


def _bandit(one: Bandit, champion: Champion | None) -> list[str]:
    last, versions = one.rules[-1], one.plan.versions
    shares = ", ".join(f"{text(arm)} v{versions[arm]} {share:.1%}" for arm, share in last.shares.items())
    held = f"v{champion.version} became champion, and answers alone" if champion else ""
    is_held = one.ended is None and champion is not None and champion.version != versions[CHAMPION]
    why = f"stopped: {text(one.ended_reason or '')}" if one.ended else held if is_held else ""
    until = f" to {day(one.ended)}" if one.ended else ", held" if is_held else ", runs"
    return [
        f"<span>{text(one.plan.name)}</span>",
        f"<span>{shares}</span>" + (f"<small>{why}</small>" if why else ""),
        f"{sum(each.n for each in last.tallies):,}",
        f"<span>{day(last.at)}</span>",
        f"<span>{day(one.began)}{until}</span>",
    ]


def decisions(found: Standing) -> str:
    """Return the last decisions: why, what came of each, what it cost and gained."""
    if not found.decisions:
        return ""
    shown = table(DECISIONS, map(_decision, found.decisions))
    return (
        '<section><h2>The last decisions</h2><p class="about">Cost: seconds of CPU. Gained: over the champion, on the '
        f"same rows, as the probe or the gate measured it.</p>{shown}</section>"
    )


def _decision(one: Decided) -> list[str]:
    named = {"promoted": f"version {one.became} promoted", "proposed": f"version {one.became} proposed"}
    came = named.get(one.outcome or "", one.outcome or ("nothing yet" if one.decision == "retrain" else ""))
    by = f"<small>decided by {text(one.decided_by)}</small>" if one.decided_by else ""
    change = f"<small>otherwise with: {text('; '.join(one.would_change))}</small>" if one.would_change else ""
    return [
        f"<span>{period(one.start, one.end)}</span>",
        f"<span>{text(one.decision)}{f'<small>{text(one.rung)}</small>' if one.rung else ''}</span>",
        f"{text(one.why)}{by}{change}",
        text(came),
        "" if one.cost is None else f"{one.cost:,.0f} s",
        "" if one.gain is None else f"<span>{one.gain:+.4f}<small>{text(one.gain_of or '')}</small></span>",
    ]


def windows(found: Sequence[Window]) -> str:
    """Return the last windows in figures, the newest first."""
    if not found:
        return ""
    shown = table(WINDOWS, map(_window, reversed(found[-MOST_WINDOWS:])))
    return f"<section><h2>The last windows</h2>{shown}{_more(len(found) - MOST_WINDOWS, 'before')}</section>"


def _window(one: Window) -> list[str]:
    between = "" if one.low is None or one.high is None else f"<small>{one.low:.3f} to {one.high:.3f}</small>"
    return [
        f"<span>{period(one.start, one.end)}</span>",
        f"v{one.version}",
        f"{one.rows:,}",
        "unknown" if one.value is None else f"<span>{one.value:.4f}{between}</span>",
        "unknown" if one.estimated is None else f"{one.estimated:.4f}",
        "unknown" if one.loss is None else f"{one.loss:.4f}",
        "nothing" if one.promised is None else f"{one.promised:.4f}",
        f"{one.n_due:,}",
        "" if one.coverage is None else f"{one.coverage:.0%}",
    ]


def _more(n: int, what: str) -> str:
    return f'<p class="about">and {n} {what}: evergreen report --json</p>' if n > 0 else ""
