"""BentoML's own endpoint, with ONNX Runtime behind it: `bentoml serve contestants.native:Parcels`."""

from typing import Any

import bentoml

from contestants.bare import ask_pipeline


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Parcels:
    """Answers for one row."""

    @bentoml.api
    def predict(self, row: dict[str, Any]) -> dict[str, Any]:
        return ask_pipeline(row)
