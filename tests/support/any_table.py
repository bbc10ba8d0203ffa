"""Tables of every kind of column that people keep, in every kind of file: made up, small, and the same for a seed."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import arrow_kinds
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from workbooks import workbook

ROWS = 240
WORDS = ("parcel", "came", "late", "wet", "nobody", "home", "left", "neighbour", "door", "gate", "bell")
Rng = np.random.Generator
Values = Sequence[Any]


def _days(rng: Rng) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.Timestamp("2023-01-02") + pd.to_timedelta(np.sort(rng.integers(0, 300, ROWS)), unit="D"))


def _instants(rng: Rng) -> pd.DatetimeIndex:
    seconds = np.sort(rng.integers(0, 300 * 86_400, ROWS))
    return pd.DatetimeIndex(pd.Timestamp("2023-01-02") + pd.to_timedelta(seconds, unit="s"))


def _measure(rng: Rng) -> Any:
    return rng.normal(120, 40, ROWS).round(2)


def _money(value: float) -> str:
    return f"{value * 97:,.2f}"


def _swapped(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


def _with_marks(rng: Rng, mark: str, share: float = 0.08) -> list[str]:
    return [mark if hit else f"{v}" for hit, v in zip(rng.random(ROWS) < share, _measure(rng), strict=True)]


COLUMNS: dict[str, Callable[[Rng], Values]] = {
    "number": _measure,
    "whole": lambda rng: rng.integers(0, 60, ROWS),
    "decimal comma": lambda rng: [f"{v:.2f}".replace(".", ",") for v in _measure(rng)],
    "thousands": lambda rng: [_money(v) for v in _measure(rng)],
    "thousands by points": lambda rng: [_swapped(_money(v)) for v in _measure(rng)],
    "percent": lambda rng: [f"{v / 4:.1f} %" for v in _measure(rng)],
    "dollars": lambda rng: [f"${_money(abs(v))}" for v in _measure(rng)],
    "euros": lambda rng: [f"{_swapped(_money(v))} €" for v in _measure(rng)],
    "parentheses": lambda rng: [f"({abs(v - 120):.2f})" if v < 120 else f"{v - 120:.2f}" for v in _measure(rng)],
    "kilograms": lambda rng: [f"{abs(v):.1f} kg" for v in _measure(rng)],
    "bounds": lambda rng: [f"<{v:.0f}" if v < 80 else f"{v:.1f}" for v in _measure(rng)],
    "iso day": lambda rng: _days(rng).strftime("%Y-%m-%d"),
    "iso time": lambda rng: _instants(rng).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "basic day": lambda rng: _days(rng).strftime("%Y%m%d"),
    "basic time": lambda rng: _days(rng).strftime("%Y%m%dT000000"),
    "slashes": lambda rng: _days(rng).strftime("%Y/%m/%d"),
    "german day": lambda rng: _days(rng).strftime("%d.%m.%Y"),
    "american day": lambda rng: _days(rng).strftime("%m/%d/%Y"),
    "month in words": lambda rng: _days(rng).strftime("%B %d, %Y"),
    "named zone": lambda rng: _instants(rng).strftime("%Y-%m-%d %H:%M:%S UTC"),
    "mail time": lambda rng: _instants(rng).strftime("%a, %d %b %Y %H:%M:%S +0000"),
    "mixed offsets": lambda rng: [
        at.strftime("%Y-%m-%dT%H:%M:%S") + "Z" * (k % 2) for k, at in enumerate(_instants(rng))
    ],
    "unix_time": lambda rng: [int(at.timestamp()) for at in _instants(rng)],
    "created_ms": lambda rng: [int(at.timestamp() * 1_000) for at in _instants(rng)],
    "time of day": lambda rng: _instants(rng).strftime("%H:%M"),
    "hour": lambda rng: rng.integers(0, 24, ROWS),
    "year": lambda rng: rng.integers(2_019, 2_024, ROWS),
    "month": lambda rng: np.ones(ROWS, int),
    "word": lambda rng: rng.choice(["north", "south", "east"], ROWS),
    "spelled unlike": lambda rng: rng.choice(["Yes", "yes ", "YES", "No", " no"], ROWS),
    "yes or no": lambda rng: rng.choice(["Y", "N"], ROWS),
    "flag": lambda rng: rng.integers(0, 2, ROWS),
    "leading zeros": lambda rng: [f"{k:05d}" for k in rng.integers(0, 300, ROWS)],
    "beyond int64": lambda rng: [str(2**64 + int(k)) for k in rng.integers(0, 9, ROWS)],
    "question marks": lambda rng: _with_marks(rng, "?"),
    "dashes": lambda rng: _with_marks(rng, "-"),
    "blanks": lambda rng: _with_marks(rng, " "),
    "not known": lambda rng: _with_marks(rng, "Unknown"),
    "sentinel": lambda rng: _with_marks(rng, "-999"),
    "signs": lambda rng: rng.choice(["+", "-"], ROWS),
    "half missing": lambda rng: [None if k % 2 else v for k, v in enumerate(_measure(rng).tolist())],
    "empty": lambda rng: [None] * ROWS,
    "constant": lambda rng: ["same"] * ROWS,
    "comment": lambda rng: [" ".join(rng.choice(WORDS, 9)) for _ in range(ROWS)],
    "mixed": lambda rng: [f"{k}" if k % 3 else f"about {k % 7}" for k in rng.integers(0, 50, ROWS)],
    "patient_id": lambda rng: [f"P{k:03d}" for k in rng.integers(0, 50, ROWS)],
    "order_id": lambda rng: [f"A{k:05d}" for k in range(ROWS)],
    "number of row": lambda rng: range(ROWS),
    "email": lambda rng: [f"u{k}@example.org" for k in range(ROWS)],
    "address": lambda rng: rng.choice(["U", "R"], ROWS),
    "version": lambda rng: rng.choice(["1.0", "1.1", "2.0"], ROWS),
    "label": lambda rng: rng.choice(["a", "b"], ROWS),
    "prediction_id": _measure,
    "probability": lambda rng: rng.random(ROWS).round(4),
    "codes": lambda rng: rng.choice(["E11", "I10"], ROWS),
    "_hidden": _measure,
    "a\nb, \"c\"; {d}": _measure,
    "größe": _measure,
    "huge number": lambda rng: [f"{v}e250" for v in rng.integers(1, 9, ROWS)],
}  # fmt: skip
TARGETS: dict[str, Callable[[Any], Values]] = {
    "yes or no": lambda s: np.where(s > 0, "yes", "no"),
    "none or relapse": lambda s: np.where(s > 1, "relapse", "none"),
    "0 or 1": lambda s: (s > 0).astype(int),
    "true or false": lambda s: s > 0,
    "classes": lambda s: np.where(s > 1, "high", np.where(s < -1, "low", "mid")),
    "unlike": lambda s: np.where(s > 1, "High", np.where(s < -1, " high", "low")),
    "grades": lambda s: np.clip(s.round(), -2, 2).astype(int) + 3,
    "number": lambda s: s.round(3),
    "decimal comma": lambda s: [f"{v:.3f}".replace(".", ",") for v in s],
    "with gaps": lambda s: [None if abs(v) < 0.1 else round(v, 3) for v in s],
    "rare": lambda s: np.where(s > np.sort(s)[-2], "rare", np.where(s > 0, "often", "else")),
    "one value": lambda s: ["same"] * len(s),
    "dates": lambda s: [f"2024-01-{1 + int(abs(v)) % 27:02d}" for v in s],
}


@dataclass(frozen=True)
class Drawn:
    """What a table is made of: kinds of columns, the kind of its target, and the seed of the values."""

    columns: tuple[str, ...]
    target: str
    seed: int


def frame(drawn: Drawn) -> pd.DataFrame:
    """Return the rows as texts and numbers; two plain columns tell something of the target."""
    rng = np.random.default_rng(drawn.seed)
    x, z = rng.normal(size=(2, ROWS)).round(3)
    made = {"x": x, "z": z, **{name: np.asarray(COLUMNS[name](rng), dtype=object) for name in drawn.columns}}
    return pd.DataFrame(made).assign(y=TARGETS[drawn.target](x + z + rng.normal(0, 0.7, ROWS)))


def written(drawn: Drawn, ending: str, folder: Path) -> Path:
    """Write the table into a file of a kind, and return it."""
    path, rows = folder / f"rows.{ENDINGS[ending]}", frame(drawn)
    if ending == "parquet":
        _parquet(path, rows, drawn)
    elif ending == "xlsx":
        path.write_bytes(_sheet(rows, drawn))
    elif ending in ("jsonl", "json"):
        records = [{name: value for name, value in row.items() if value is not None} for row in _plain(rows)]
        path.write_text("\n".join(map(json.dumps, records)) if ending == "jsonl" else json.dumps(records))
    else:
        text = rows.to_csv(index=False, sep={"semicolons": ";", "tabs": "\t"}.get(ending, ","))
        if ending == "trailing":
            text = "".join(f"{line},\n" for line in text.splitlines()) if "\n" not in "".join(rows.columns) else text
        encoded = text.encode("cp1252" if ending == "cp1252" else "utf-8")
        if ending == "gzip":
            encoded = gzip.compress(encoded, mtime=0)
        elif ending == "zstd":
            encoded = pa.compress(encoded, codec="zstd", asbytes=True)
        path.write_bytes(encoded)
    return path


ENDINGS = {
    "csv": "csv", "semicolons": "csv", "tabs": "csv", "cp1252": "csv", "trailing": "csv", "gzip": "csv.gz",
    "zstd": "csv.zst", "jsonl": "jsonl", "json": "json", "parquet": "parquet", "xlsx": "xlsx",
}  # fmt: skip


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(rows.to_json(orient="records"))
    return read


def _parquet(path: Path, rows: pd.DataFrame, drawn: Drawn) -> None:
    """Columns of texts and numbers, and beside them as many of the types that only Parquet has."""
    rng = np.random.default_rng(drawn.seed)
    typed = arrow_kinds.columns(ROWS, rng)
    some = rng.choice([*typed], size=min(len(drawn.columns) + 1, len(typed)), replace=False)
    table = pa.table({name: pa.array(values.tolist()) for name, values in rows.items()})
    for name in some:
        table = table.add_column(0, str(name), typed[str(name)][0])
    pq.write_table(table, path)


def _sheet(rows: pd.DataFrame, drawn: Drawn) -> bytes:
    """Cells of texts and numbers, and in half of the sheets those of times and of truth values beside them."""
    cells = rows.astype(object).where(rows.notna(), None).to_numpy().tolist()
    heads = list(rows.columns)
    if drawn.seed % 2:
        rng = np.random.default_rng(drawn.seed)
        times, truths = _instants(rng).to_pydatetime().tolist(), (rng.random(ROWS) < 0.5).tolist()
        heads += ["cell of time", "cell of truth"]
        cells = [[*row, *more] for row, *more in zip(cells, times, truths, strict=True)]
    return workbook([heads, *cells])
