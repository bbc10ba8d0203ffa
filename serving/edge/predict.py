"""Predict with nothing but the folder that this lies in: JSON lines or CSV in, predictions out, and a log beside it.

It stands on numpy, onnxruntime and msgspec, asks no network, and checks every file of the folder before it imports one.
A value that is not spelled as the contract's source spells it is refused with its row and field; nothing is guessed.

    python predict.py rows.jsonl --out predictions.jsonl

    sys.path.insert(0, "/opt/flights-edge")
    import predict
    predictor = predict.load()
    answers = predictor.predict([{"distance": 1598, ...}])
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

FOLDER = Path(__file__).resolve().parent
if __name__ == "__main__":  # neither written nor read where nobody checks it
    sys.dont_write_bytecode, sys.pycache_prefix = True, str(FOLDER / "no-bytecode")

from evergreen.base.errors import (  # noqa: E402  the line above is for them too
    ConfigError,
    DataError,
    EvergreenError,
    IntegrityError,
    explain_os_errors,
)
from evergreen.learning.model.package import verify_package  # noqa: E402  the same

if TYPE_CHECKING:
    from serving.edge.predictor import Predictor

ROWS_AT_ONCE = 512  # which are predicted and logged together


def load(folder: Path = FOLDER, *, log: Path | None = None, digest: str | None = None) -> "Predictor":
    """Return what predicts with a bundle, every file of which is as it was made.

    Parameters
    ----------
    log : where predictions are logged before they are answered; beside the bundle by default.
    digest : of the bundle, as `evergreen package` said it. Without one it is compared with its own manifest.

    Raises
    ------
    IntegrityError if a file is not as it was made, or other modules would answer. ResourceError if the log cannot be
    written.
    """
    verify_package(folder, digest, bytecode=True)
    checked = sys.modules[verify_package.__module__].__file__
    if not Path(str(checked)).resolve().is_relative_to(folder.resolve()):
        raise IntegrityError(
            "PKG008",
            "the modules that would predict are not the bundle's own",
            where=str(checked),
            next_step=f"Put {folder} first in the path, before another package of that name is imported.",
        )
    from serving.edge.predictor import Predictor

    return Predictor.load(folder, log or folder.with_name(f"{folder.name}-predictions"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: 0 if all rows are predicted, 3 if some were refused; else as the error says."""
    parser = argparse.ArgumentParser(prog="predict.py", description="Predict rows with nothing but this folder.")
    parser.add_argument("source", metavar="IN", help="a .jsonl or .csv file, or - for JSON lines on stdin")
    parser.add_argument("--out", metavar="FILE", type=Path, help="where answers go, a JSON object a line; else stdout")
    parser.add_argument("--log", metavar="DIR", type=Path, help="where predictions are logged; else beside the folder")
    parser.add_argument("--digest", help="what the folder's digest was said to be")
    asked = parser.parse_args(arguments)
    try:
        n_rows, n_refused = _run(load(log=asked.log, digest=asked.digest), asked.source, asked.out)
    except EvergreenError as error:
        print(error.block(), file=sys.stderr)  # noqa: T201  for whoever started it
        return error.exit_code
    print(f"{n_rows} rows, {n_refused} refused", file=sys.stderr)  # noqa: T201  the answers are on stdout
    return DataError.exit_code if n_refused else 0


def _run(predictor: "Predictor", source: str, target: Path | None) -> tuple[int, int]:
    import msgspec

    from serving.edge.rows import csv_rows, json_rows

    encode = msgspec.json.Encoder().encode
    n_rows = n_refused = 0
    with ExitStack() as opened:
        opened.callback(predictor.close)
        if source == "-":
            rows = json_rows(sys.stdin.buffer)
        elif source.endswith(".jsonl"):
            rows = json_rows(opened.enter_context(_readable(source).open("rb")))
        elif source.endswith(".csv"):
            stream = opened.enter_context(_readable(source).open(newline="", encoding="utf-8-sig"))
            rows = csv_rows(stream, predictor)
        else:
            raise ConfigError("PKG007", "no such kind of file", where=source, next_step="Name a .jsonl or .csv file.")
        opened.enter_context(explain_os_errors(target or "stdout"))
        out = opened.enter_context(target.open("wb")) if target else sys.stdout.buffer
        at_once = 1 if source == "-" else ROWS_AT_ONCE  # whoever writes a line there may wait for its answer
        while block := list(islice(rows, at_once)):
            answers = predictor.predict(block, first=n_rows)
            out.write(b"".join(encode(answer) + b"\n" for answer in answers))
            out.flush()
            n_rows += len(block)
            n_refused += sum("refused" in answer for answer in answers)
    return n_rows, n_refused


def _readable(source: str) -> Path:
    path = Path(source)
    if not path.is_file():
        raise ConfigError("PKG007", "there is no such file", where=source, next_step="Name a .jsonl or .csv file.")
    return path


if __name__ == "__main__":
    sys.exit(main())
