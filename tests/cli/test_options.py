"""A result is one JSON object for a program, or what a person is shown."""

import json

from cli.options import emit


def test_result_is_printed_for_a_program_or_shown_to_a_person(capsys):
    shown = []
    emit({"a": [1, None]}, True, lambda: shown.append("shown"))
    assert (json.loads(capsys.readouterr().out), shown) == ({"a": [1, None]}, [])
    emit({"a": 1}, False, lambda: shown.append("shown"))
    assert (capsys.readouterr().out, shown) == ("", ["shown"])
