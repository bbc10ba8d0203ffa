"""Results: counted, put together, and held against our own counts."""

import json

import pytest
from validated import asked, contract_of, stream

from evergreen.adapters import expectations
from evergreen.base.errors import IntegrityError


def test_difference_between_the_layers_is_an_integrity_error_that_names_the_rule():
    run = stream({"x": [1, 2, 99]}, contract_of({"type": "number", "max": 9}))
    clean = stream({"x": [1, 2, 3]}, contract_of({"type": "number", "max": 9}))

    with pytest.raises(IntegrityError) as caught:
        expectations.agree(asked(clean, contract_of({"type": "number", "max": 9})), run.validation)

    assert (caught.value.code, caught.value.exit_code) == ("INT006", 7)
    assert caught.value.what == "the two validation layers disagree on DQ004 of 'x': 1 and 0 rows"


def test_difference_of_means_is_one_too():
    contract = contract_of({"type": "number", "mean": [0, 9]})

    with pytest.raises(IntegrityError, match=r"DQ019 of 'x': 2.0 and 2.5 in the mean"):
        expectations.agree(asked(stream({"x": [2, 3]}, contract), contract), stream({"x": [2]}, contract).validation)


def test_rule_that_only_one_layer_has_is_an_integrity_error():
    bounded, free = contract_of({"type": "number", "max": 9}), contract_of({"type": "number"})
    run = stream({"x": [1]}, bounded)

    with pytest.raises(IntegrityError, match="DQ004 of 'x': None and 0 rows"):
        expectations.agree(asked(run, bounded), stream({"x": [1]}, free).validation)


def test_rule_that_could_not_be_evaluated_does_not_count_as_nought():
    run = stream({"z": ["word"]}, contract_of({"name": "z", "type": "text"}))

    found = asked(run, contract_of({"name": "z", "type": "number", "max": 9}))

    with pytest.raises(IntegrityError, match="could not evaluate expect_column_values_to_be_between: ") as caught:
        expectations.agree(found, run.validation)
    assert (caught.value.code, caught.value.where) == ("INT006", "z")


def test_results_are_counts_and_a_few_samples_in_json_and_never_whole_rows():
    contract = contract_of({"type": "category", "categories": ["a"]})

    found = asked(stream({"x": ["z"] * 500}, contract), contract)

    assert expectations.Expectations.model_validate_json(found.model_dump_json()) == found
    assert len(json.dumps(found.results)) < 3_000
    assert found.results["results"][1]["result"]["unexpected_count"] == 500
