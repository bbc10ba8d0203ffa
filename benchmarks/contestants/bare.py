"""The least that answers with a model: plain ASGI and ONNX Runtime; no validation, no log, no metrics.

EVERGREEN_GRAPH names the folder of two graphs: `app` asks the whole pipeline, as it is exported, with one tensor for
each column; `coded` asks the trees alone, with one tensor that this module codes by hand.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from contestants.parcels import BOOLEANS, CATEGORIES, INPUTS, NUMBERS, THRESHOLD, TIME, WHOLE

FOLDER = Path(os.environ["EVERGREEN_GRAPH"])
CODES = {name: {value: float(code) for code, value in enumerate(known)} for name, known in CATEGORIES.items()}
KINDS = {name: object if name in CATEGORIES else np.float32 for name in INPUTS}
Answer = Callable[[dict[str, Any]], dict[str, Any]]


def opened(name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(FOLDER / name, options, providers=["CPUExecutionProvider"])


pipeline, trees = opened("pipeline.onnx"), opened("trees.onnx")


def _answered(probabilities: Any) -> dict[str, Any]:
    probability = float(probabilities[0, 1])
    return {"late": probability >= THRESHOLD, "probability": probability}


def ask_pipeline(row: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a row; None becomes NaN in an array of floats."""
    moment = datetime.fromisoformat(row[TIME])
    row["hour"], row["weekday"] = moment.hour, moment.weekday()
    inputs = {name: np.array([[row[name]]], dtype=kind) for name, kind in KINDS.items()}
    return _answered(pipeline.run(["probabilities"], inputs)[0])


def ask_trees(row: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a row."""
    moment = datetime.fromisoformat(row[TIME])
    coded = [
        *(row[name] for name in NUMBERS),
        *(row[name] for name in WHOLE),
        *(codes.get(row[name], -1.0) for name, codes in CODES.items()),
        *(row[name] for name in BOOLEANS),
        moment.hour,
        moment.weekday(),
    ]
    return _answered(trees.run(["probabilities"], {"inputs": np.array([coded], dtype=np.float32)})[0])


def _asgi(answer: Answer) -> Any:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answered = json.dumps(answer(json.loads(body))).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answered)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answered})

    return app


app, coded = _asgi(ask_pipeline), _asgi(ask_trees)
