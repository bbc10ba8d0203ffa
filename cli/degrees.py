"""What `evergreen degree` shows."""

import typer

from flows.degrees import Standing

WHO = {
    "human": "a person decides every row; the model is not heard",
    "shadow": "a person decides every row; what the model says is logged and shown to nobody",
    "assist": "a person decides every row and is shown what the model says",
    "partial": "the model answers where it is sure; a person decides the rest",
    "auto": "the model answers every row",
}


def show(found: Standing) -> None:
    """Print who decides, how it goes, and what comes next."""
    for line in lines(found):
        typer.echo(line)


def lines(found: Standing) -> list[str]:
    """Return what a person reads."""
    head = f"{found.model} version {found.version}"
    if found.degree is None:
        policy = f"; the contract allows {found.highest} at most" if found.highest else ""
        return [f"{head}: no degree of automation holds, so the model answers every row{policy}"]
    said = [f"{head}: {found.degree}: {WHO[found.degree]}"]
    if found.since:
        said.append(f"  since      {found.since:%Y-%m-%d %H:%M} UTC, by {found.by}: {found.reason}")
    said.append(f"  threshold  {found.evidence}")
    counts = ", ".join(f"{by} {n:,}" for by, n in found.decided.items())
    said.append(f"  rows       {found.n_rows:,} of this version whose labels are due{f': {counts}' if counts else ''}")
    if found.partial:
        seen = found.partial
        said.append(f"  referred   {seen.referred:.1%} were not sure enough")
        said.append(f"  automatic  {seen.automatic.evidence}; at most {found.error:g} is promised")
        if seen.plain is not None:
            said.append(
                f"  reviewed   {seen.plain:.4f} of the {seen.n_plain:,} that people looked at are wrong, which is"
            )
            said.append("             no estimate of the automatic ones: they are the hard rows")
    if found.bar is None:
        said.append("  next       nothing: this is the highest degree that the contract allows")
    else:
        met = "met" if found.bar.met else "not met"
        said.append(f"  next       {found.bar.degree}: the bar is {met}: {found.bar.evidence}")
    return said
