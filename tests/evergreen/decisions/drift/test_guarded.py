"""A detector that throws is told of, and stops nothing but itself."""

import logging

import pytest

from evergreen.decisions.drift.guarded import guarded


def failing_with(error):
    def judge():
        raise error

    return judge


def test_what_a_detector_finds_is_returned_as_it_is():
    found = object()
    assert guarded(lambda: found, lambda why: pytest.fail(why)) is found
    assert guarded(lambda: None, str) is None


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyError("delay"), "KeyError: 'delay'"),
        (ValueError("no rows\n  in\tthe window "), "ValueError: no rows in the window"),
        (MemoryError(), "MemoryError"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (AssertionError("not so"), "AssertionError: not so"),
    ],
)
def test_whatever_is_thrown_is_told_in_one_line(error, why):
    assert guarded(failing_with(error), lambda said: ["unknown", said]) == ["unknown", f"could not be computed: {why}"]


def test_a_long_reason_is_cut():
    said = guarded(failing_with(RuntimeError("x" * 10_000)), str)
    assert said == "could not be computed: RuntimeError: " + "x" * (200 - len("RuntimeError: "))


def test_an_error_that_cannot_even_be_told_is_no_steady():
    class Mute(Exception):
        def __str__(self):
            raise ValueError

    assert "Mute" in guarded(failing_with(Mute()), str)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_a_stop_from_outside_is_no_verdict(error):
    with pytest.raises(type(error)):
        guarded(failing_with(error), str)


def test_where_it_failed_is_logged_for_those_who_look(caplog):
    with caplog.at_level(logging.DEBUG, logger="evergreen.decisions.drift.guarded"):
        guarded(failing_with(ValueError("odd")), str)
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert "in judge" in caplog.text
