"""Rows of a log, chosen by who decides them."""

from datetime import date, timedelta

import automated

FIRST = date(2026, 1, 1)


def test_rows_are_chosen_by_who_decides_with_all_that_is_known_of_them():
    days = [FIRST + timedelta(row) for row in range(4)]
    seen = automated.decided(["audit", "unsure", "automatic", "audit"], [0, 1, 0, 1], days, shares=[0.1, 0, 0, 0.2])

    audited = seen.by_any("audit")

    assert (len(seen), len(audited), len(seen.by_any("human"))) == (4, 2, 0)
    assert audited.by == ("audit", "audit")
    assert audited.wrong.tolist() == [0, 1]
    assert audited.shares.tolist() == [0.1, 0.2]
    assert audited.days == (FIRST, FIRST + timedelta(3))
    assert seen.those(seen.wrong == 1).by == ("unsure", "audit")
