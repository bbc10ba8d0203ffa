"""The model of the contestants that are not ours: scikit-learn's gradient boosting, fitted when it is asked for."""

from pathlib import Path

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from contestants.parcels import CATEGORIES, INPUTS, LEAVES, MIN_LEAF, ROUNDS, TARGET, TIME, table

ROWS = 20_000
TRUSTED = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"  # written here, a moment before


def with_calendar(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the inputs alone: the hour and the weekday in place of the moment."""
    moment = pd.to_datetime(frame[TIME], utc=True)
    return frame.assign(hour=moment.dt.hour, weekday=moment.dt.weekday)[list(INPUTS)]


def _trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=ROUNDS, max_leaf_nodes=LEAVES, min_samples_leaf=MIN_LEAF, early_stopping=False, random_state=7
    )


def pipeline() -> Pipeline:
    """Return the usual pipeline, fitted: ordinal codes for the categories, then the trees."""
    frame = pd.DataFrame(table(ROWS))
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = [("codes", codes, list(CATEGORIES))]
    encode = ColumnTransformer(columns, remainder="passthrough", verbose_feature_names_out=False)
    return Pipeline([("encode", encode), ("trees", _trees())]).fit(with_calendar(frame), frame[TARGET])


def write_graphs(folder: Path) -> None:
    """Write ``pipeline.onnx``, with an input for each of `INPUTS`, and ``trees.onnx``, with one for all of them."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    options = {"options": {"zipmap": False}, "target_opset": 17}
    kinds = [(n, (StringTensorType if n in CATEGORIES else FloatTensorType)([None, 1])) for n in INPUTS]
    (folder / "pipeline.onnx").write_bytes(to_onnx(pipeline(), initial_types=kinds, **options).SerializeToString())
    frame = with_calendar(pd.DataFrame(table(ROWS)))
    for name, known in CATEGORIES.items():
        frame[name] = frame[name].map({value: code for code, value in enumerate(known)})
    trees = _trees().fit(frame.to_numpy(dtype="float32"), table(ROWS)[TARGET])
    kinds = [("inputs", FloatTensorType([None, len(INPUTS)]))]
    (folder / "trees.onnx").write_bytes(to_onnx(trees, initial_types=kinds, **options).SerializeToString())


def write_mlflow(folder: Path) -> None:
    """Write the pipeline as MLflow keeps a scikit-learn model, with its signature."""
    import mlflow

    frame = with_calendar(pd.DataFrame(table(ROWS))).head(100)
    model = pipeline()
    kept = mlflow.models.infer_signature(frame, model.predict_proba(frame))
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=kept,
        pyfunc_predict_fn="predict_proba",
        pip_requirements=[],
        skops_trusted_types=[TRUSTED],
    )


if __name__ == "__main__":
    import sys

    write_graphs(Path(sys.argv[1]))
    write_mlflow(Path(sys.argv[1]) / "mlflow")
