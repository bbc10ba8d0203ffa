"""What is said of one column."""

import math

import numpy as np

from evergreen.decisions.drift.distances import distances, psi_band
from evergreen.decisions.drift.profile.profile import ColumnBins, Counts, Profile
from evergreen.decisions.drift.shift.comparison import Compared
from evergreen.decisions.drift.shift.verdict import ColumnShift, ColumnVerdict


def trouble(reference: Profile, window: Profile, name: str) -> str:
    """Return why a column of the reference's bins cannot be judged; empty where it can."""
    for side, profile in (("reference", reference), ("window", window)):
        if name in profile.lost:
            return f"lost in the {side}: {profile.lost[name]}"
        if name not in profile.counts or name not in profile.bins:
            return f"absent from the {side}"
        counts = profile.counts[name]
        if counts.shape != (len(profile.rows), profile.bins[name].n_cells):
            return f"counts of the {side} do not fit its days and cells"
        if (counts < 0).any() or (counts.sum(axis=1) != profile.rows).any():
            return f"counts of the {side} do not add up to its rows"
    if not reference.bins[name].equals(window.bins[name]):
        return "counted on other cells in the window than in the reference"
    if not reference.total(name)[:-1].any() and not window.total(name)[:-1].any():
        return "every value is missing, in the reference and in the window"
    return ""


def scarcity(reference: Profile, window: Profile, name: str, *, min_blocks: int, min_rows: int) -> str:
    """Return what a column has too little of to be called steady; empty where it has enough."""
    for side, profile in (("window", window), ("reference", reference)):
        values = profile.counts[name][:, :-1].sum(axis=1)
        if (days := int((values > 0).sum())) < min_blocks:
            return f"values on {days} days of the {side}, at least {min_blocks} are needed"
        if (n := int(values.sum())) < min_rows:
            return f"{n} values in the {side}, at least {min_rows} are needed"
    return ""


def judge(
    name: str,
    bins: ColumnBins,
    totals: tuple[Counts, Counts],
    compared: Compared,
    corrected_p: float,
    *,
    limit: float,
    importance: float,
    scarce: str,
) -> ColumnShift:
    """Return what a column says: shifted where `corrected_p` is below `limit`, unknown where it is no number.

    Parameters
    ----------
    totals : the counts by cell of reference and window, shape (n_cells,), neither without rows.
    scarce : what it has too little of to be steady.
    """
    found = distances(*totals, bins)
    figures = (corrected_p, *compared.p, *compared.moved, *found.values())
    if not np.isfinite(figures).all():
        return ColumnShift(name=name, verdict="unknown", evidence="the comparison gave figures that are no numbers")
    missing = [float(counts[-1] / counts.sum()) for counts in totals]
    weight = max(importance, 0.0) if math.isfinite(importance) else 0.0
    shifted, most = corrected_p < limit, int(np.argmin(compared.p)) if len(compared.p) else None
    said = "one value only, in the reference and in the window"
    if most is not None:
        said = f"{compared.names[most]} moved by {compared.moved[most]:+.3f} standard deviations of a row"
    verdict: ColumnVerdict = "shifted" if shifted else "not enough data" if scarce else "steady"
    notes = scarce if verdict == "not enough data" else ""
    if shifted and compared.season == "cannot be told apart":
        notes = "the reference has less than a year: season, cannot be told apart"
    return ColumnShift(
        name=name,
        verdict=verdict,
        evidence=f"{said}: corrected p {corrected_p:.2g} against a limit of {limit:g}; PSI {found['psi']:.3f}, "
        f"missing {missing[0]:.1%} before and {missing[1]:.1%} now" + (f"; {notes}" if notes else ""),
        score=None if most is None else compared.names[most],
        statistic=None if most is None else float(compared.moved[most]),
        p=compared.column_p,
        corrected_p=corrected_p,
        psi=found["psi"],
        band=psi_band(found["psi"]),
        distances=found,
        missing_reference=missing[0],
        missing_window=missing[1],
        importance=weight,
        effect=weight * found["total_variation"],
        season=compared.season,
    )
