"""The usual sample of a model behind FastAPI: a pydantic model, a frame of one row, `predict_proba`.

`uvicorn contestants.sample:app`.
"""

from datetime import datetime
from typing import Any

import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from contestants.fitted import pipeline, with_calendar
from contestants.parcels import BOOLEANS, CATEGORIES, NUMBERS, THRESHOLD, TIME, WHOLE

kinds: dict[str, Any] = {TIME: (datetime, ...)}
kinds |= dict.fromkeys(NUMBERS, (float | None, None))
kinds |= dict.fromkeys(WHOLE, (int, ...))
kinds |= dict.fromkeys(CATEGORIES, (str, ...))
kinds |= dict.fromkeys(BOOLEANS, (bool, ...))
Parcel: type[BaseModel] = create_model("Parcel", **kinds)

app = FastAPI()
model = pipeline()


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/predict")
def predict(parcel: Parcel) -> dict[str, Any]:  # type: ignore[valid-type]
    frame = pd.DataFrame([parcel.model_dump()])  # type: ignore[attr-defined]
    probability = float(model.predict_proba(with_calendar(frame))[0, 1])
    return {"late": probability >= THRESHOLD, "probability": probability}
