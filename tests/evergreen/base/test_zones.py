"""Names of time zones: those that there are, and what is meant by one that is none."""

from zoneinfo import available_timezones

import pytest

from evergreen.base.zones import known


def test_every_zone_of_the_database_is_known_as_it_is_written():
    names = available_timezones()
    assert len(names) > 100
    assert {known(name) for name in names} == names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Europe/Pari", "no time zone 'Europe/Pari'; did you mean 'Europe/Paris'"),
        ("Europe", "no time zone 'Europe'"),  # a folder of the database
        ("../../etc/passwd", "no time zone"),
        ("", "no time zone ''; write one such as Europe/Paris"),
        ("qqqqqqq", "write one such as Europe/Paris"),
    ],
)
def test_name_that_is_none_is_refused_with_what_is_meant(name, said):
    with pytest.raises(ValueError, match="no time zone") as raised:
        known(name)
    assert said in str(raised.value)
