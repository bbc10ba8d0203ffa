"""The forms of Prefect's UI: every parameter of every deployment has a type and says what it is."""

import pytest
from prefect import flow

from evergreen.config.settings import Settings
from flows.deployments import deployments
from flows.forms import explain


def test_every_parameter_of_every_deployment_is_typed_and_explained():
    for deployment in deployments(Settings(), "local"):
        fields = deployment._parameter_openapi_schema.properties
        assert fields
        for name, field in fields.items():
            assert field.get("type") or field.get("anyOf"), (deployment.flow_name, name)
            assert field["description"].endswith("."), (deployment.flow_name, name)


def test_parameter_that_nobody_explained_is_an_error():
    @flow
    def another(depth: int = 3) -> int:
        return depth

    with pytest.raises(KeyError, match="depth"):
        explain(another.to_deployment(name="local"))
