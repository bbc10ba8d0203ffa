"""The list of metrics keeps to Prometheus' conventions, and says each thing once."""

import re

from serving.families import BY_NAME, FAMILIES


def test_names_are_unique_and_counters_alone_end_in_total():
    assert len(BY_NAME) == len(FAMILIES)
    for family in FAMILIES:
        assert re.fullmatch(r"(evergreen|process)_[a-z_]+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter"), family.name


def test_gauge_of_each_worker_has_its_label_and_no_other_metric_has():
    for family in FAMILIES:
        assert family.shown == (*family.labels, *(["worker"] if family.across == "worker" else [])), family.name
        assert "worker" not in family.labels
        assert family.kind == "gauge" or family.across == "sum" or family.name.startswith("process_"), family.name
