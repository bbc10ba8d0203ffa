"""`python -m cli.job_summary OUTCOME`: the gate's report and the metric differences, as Markdown for a job summary."""

import json
import os
import sys
from pathlib import Path

from evergreen.config.settings import Settings
from evergreen.record.outcomes import TrainingOutcome

REFERENCE = Path("data") / "report.json"


def markdown(outcome: TrainingOutcome, reference: dict[str, float]) -> str:
    """Return the verdict, its checks, and each metric beside the baseline's and that of the committed report."""
    lines = [
        f"## {outcome.model}: {outcome.verdict}" + (f" as version {outcome.version}" if outcome.version else ""),
        "",
        outcome.reason,
        "",
        *(f"Warning: {doubt}.\n" for doubt in outcome.doubts),
        *([f"The gate sees: {outcome.sees.text}.", ""] if outcome.sees else []),
        "| check | outcome | what it saw |",
        "|---|---|---|",
        *(f"| {check.code} {check.name} | {check.outcome} | {check.text} |" for check in outcome.checks),
        "",
        "| metric | candidate | baseline | committed | difference |",
        "|---|---|---|---|---|",
    ]
    for name, value in outcome.metrics.items():
        before = reference.get(name)
        against = f"{before:.4f} | {value - before:+.4f}" if before is not None else "n/a | n/a"
        beside = f"{outcome.baseline_metrics[name]:.4f}" if name in outcome.baseline_metrics else "n/a"
        lines.append(f"| {name} | {value:.4f} | {beside} | {against} |")
    lines += [
        "",
        f"model `{outcome.model_digest[:12]}`, data `{outcome.data_digest[:12]}`, "
        f"code `{outcome.code_digest[:12]}`, parameters `{outcome.params_digest[:12]}`",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the report, and append it to the job summary where there is one."""
    outcome = TrainingOutcome.model_validate_json(Path(sys.argv[1]).read_bytes())
    committed = Settings.load().project / REFERENCE
    reference = json.loads(committed.read_bytes())["candidate"] if committed.exists() else {}
    text = markdown(outcome, reference)
    sys.stdout.write(text)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as file:
            file.write(text)


if __name__ == "__main__":
    main()
