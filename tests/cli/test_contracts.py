"""A contract proposed again, compared and checked."""

import pytest
from orders import made, rows

from cli import contracts
from evergreen.base.errors import ConfigError
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings


def test_contract_propose_writes_beside_the_contract_and_keeps_decisions(settings: Settings):
    written = made(settings, settings.project / "data" / "orders.csv")
    path = settings.project / written.contract
    path.write_text(path.read_text().replace("name: weight,", "name: weight, unit: kg,"))
    same, _ = contracts.propose(settings, written.params, write=False)
    assert same["difference"] == {"added": [], "dropped": [], "changed": {}, "table": {}}
    table = rows()
    table.loc[3, "weight"] = 900.0
    table.assign(colour="red").to_csv(settings.project / "data" / "orders.csv", index=False)
    result, _ = contracts.propose(settings, written.params, write=True)
    assert result["difference"]["added"] == ["colour"]
    assert set(result["difference"]["changed"]) == {"weight"}
    assert "max" in result["difference"]["changed"]["weight"]
    proposed = Contract.load(settings.project / "configs/orders/contract.proposed.yaml")
    assert next(c for c in proposed.columns if c.name == "weight").unit == "kg"
    assert contracts.diff(path, settings.project / result["proposed"]).added == ("colour",)


def test_contract_check_names_the_line_of_a_fault(settings: Settings):
    written = made(settings, settings.project / "data" / "orders.csv")
    path = settings.project / written.contract
    assert contracts.check(settings, written.params, ())["task"] == "binary"
    lines = path.read_text().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "name: weight" in line)
    path.write_text("\n".join(lines).replace("name: weight,", "name: weight, untis: kg,"))
    with pytest.raises(ConfigError, match="untis") as caught:
        contracts.check(settings, written.params, ())
    assert caught.value.where == f"{path}:{at}"
