"""What is known of a window when its causes are named: figures by hand, of this window and the champion's others."""

from datetime import UTC, date, datetime, timedelta

import pytest

from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.skew import Skew
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import ColumnShift, Shift
from evergreen.record.looks import Look
from flows.explaining import evidence_of
from tasks.drift import Drifted
from tasks.fresh import Fresh
from tasks.performance import Measured

FEBRUARY, MARCH, APRIL = date(2024, 2, 1), date(2024, 3, 1), date(2024, 4, 1)
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
PROMISE = Promise(loss="error", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="told")
FAULTS = Faults(verdict="none", evidence="all sound", n_reference=9, n_window=9)
SKEW = Skew(verdict="none", evidence="the same", n_pairs=9)


def days(first, *losses):
    """Return days of ten labels each, with these mean losses."""
    return tuple(Day(day=first + timedelta(i), n=10, loss=10 * loss) for i, loss in enumerate(losses))


def look(start, found, *, hours=0):
    return Look.model_construct(start=start, days=found, as_of=NOON + timedelta(hours=hours))


def shift(columns=(), predictions=()):
    return Shift(
        verdict="shifted", evidence="", persistent=False, n_reference=9, n_window=9, blocks_reference=9,
        blocks_window=9, columns=columns, predictions=predictions,
    )  # fmt: skip


def evidence(own=(), measured=(), *, promise=PROMISE, since=None, estimated=None, fresh=None, seen=None):
    return evidence_of(
        Drifted.model_construct(shift=seen or shift(), faults=FAULTS),
        SKEW,
        Harm(verdict="broken" if since else "kept", evidence="", promise=promise, limit=20.0, since=since),
        Measured.model_construct(promise=promise, days=measured),
        estimated=estimated or Estimated.model_construct(loss=None, loss_low=None, loss_high=None),
        fresh=fresh,
        own=own,
        start=MARCH,
        age_days=40,
    )


def test_history_is_the_excess_of_each_window_until_this_one_in_order():
    later = look(APRIL, days(APRIL, 0.9, 0.9))
    found = evidence([later, look(FEBRUARY, days(FEBRUARY, 0.1, 0.3, 0.2))], days(MARCH, 0.3, 0.5))
    assert [window.start for window in found.history] == [FEBRUARY, MARCH]
    assert [window.excess.value for window in found.history] == pytest.approx([0.1, 0.3])
    assert all(window.excess.low < window.excess.value < window.excess.high for window in found.history)
    assert (found.at_gate, found.age_days, found.faults, found.skew) == (0.1, 40, FAULTS, SKEW)


@pytest.mark.parametrize(
    ("since", "mean"), [(None, 0.4), (date(2024, 2, 2), (0.4 + 0.1 + 0.6 + 0.2) / 4), (date(2024, 3, 1), 0.4)]
)
def test_loss_is_of_the_days_since_the_harm_began_or_else_of_the_window(since, mean):
    found = evidence([look(FEBRUARY, days(FEBRUARY, 0.0, 0.4, 0.1))], days(MARCH, 0.6, 0.2), since=since)
    assert found.realised.value == pytest.approx(mean)
    assert found.realised.low <= found.realised.value <= found.realised.high


def test_window_of_one_day_or_without_labels_has_no_interval_and_is_left_out():
    found = evidence([look(FEBRUARY, days(FEBRUARY, 0.2))], ())
    assert (found.history, found.realised) == ((), None)


def test_champion_whose_gate_measured_nothing_has_no_history_to_exceed_it():
    nothing = PROMISE.model_copy(update={"at_gate": None, "at_most": 1.0})
    found = evidence((), days(MARCH, 0.3, 0.5), promise=nothing)
    assert (found.at_gate, found.history) == (None, ())
    assert found.realised.value == pytest.approx(0.4)


def test_estimate_and_fresh_model_are_there_where_they_have_an_interval():
    without = evidence(fresh=Fresh(evidence="too few rows"))
    assert (without.estimated, without.fresh, evidence().fresh) == (None, None, None)
    told = evidence(
        estimated=Estimated.model_construct(loss=0.2, loss_low=0.1, loss_high=0.3),
        fresh=Fresh(evidence="does better", gain=0.0, low=-0.1, high=0.1),
    )
    assert (told.estimated.low, told.estimated.value, told.estimated.high) == (0.1, 0.2, 0.3)
    assert (told.fresh.low, told.fresh.value, told.fresh.high) == (-0.1, 0.0, 0.1)


def test_columns_that_moved_are_named_and_those_of_the_predictions_apart():
    def column(name, verdict):
        return ColumnShift.model_construct(name=name, verdict=verdict)

    features = (column("pages", "shifted"), column("minutes", "steady"))
    found = evidence(seen=shift(features, (column("_estimate", "steady"),)))
    assert (found.shift, found.shifted, found.predictions_shifted) == ("shifted", ("pages",), False)
    assert evidence(seen=shift(features, (column("_estimate", "shifted"),))).predictions_shifted
