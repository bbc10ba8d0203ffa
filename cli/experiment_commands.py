"""The commands of `evergreen experiment`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.options import AsOf, By, Env, Json, ParamsFile, Why, emit, opened

app = typer.Typer(no_args_is_help=True, help="Versions side by side on live traffic, with an error that is stated.")
Named = Annotated[str | None, typer.Argument(metavar="NAME", help="By default the one that runs, or else the last.")]
Alpha = Annotated[
    float, typer.Option("--alpha", metavar="ALPHA", help="Error of finding a difference where there is none.")
]


@app.command("plan")
def plan(
    effect: Annotated[
        float, typer.Option("--effect", metavar="EFFECT", help="The smallest difference worth finding, above 0.")
    ],
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="RATE", help="Of a share: what the champion's is, such as 0.10.")
    ] = None,
    deviation: Annotated[
        float | None, typer.Option("--deviation", metavar="SD", help="Of a mean: the standard deviation of a row.")
    ] = None,
    alpha: Alpha = 0.05,
    power: Annotated[
        float, typer.Option("--power", metavar="POWER", help="Probability of finding an effect of that size.")
    ] = 0.8,
    rows: Annotated[
        float, typer.Option("--rows", metavar="N", help="Rows of a unit, on average, where one has several.")
    ] = 1.0,
    alike: Annotated[
        float, typer.Option("--alike", metavar="R", help="Correlation of two rows of one unit, 0 to 1.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Say how many rows each variant needs, read once or at any time.

    Example: [bold]evergreen experiment plan --rate 0.10 --effect 0.02[/bold]
    """
    from cli import experiments

    size = experiments.sized(rate, deviation, effect, alpha=alpha, power=power, rows=rows, alike=alike)
    emit(size, as_json, lambda: experiments.show_size(size))


@app.command("start")
def start(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and hyphens; never reused.")],
    arm: Annotated[
        list[str],
        typer.Option("--arm", metavar="B=V[:SHARE]", help="A variant and its version; equal shares if left out."),
    ],
    goal: Annotated[
        list[str],
        typer.Option("--goal", metavar="METRIC=EFFECT", help="What may decide, and the smallest effect worth having."),
    ],
    units: Annotated[
        int, typer.Option("--units", metavar="N", help="Units planned in each variant; `plan` says how many.", min=2)
    ],
    guard: Annotated[
        list[str] | None,
        typer.Option("--guard", metavar="METRIC=MARGIN", help="What may not get worse by more than this."),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", metavar="COL", help="Whose rows stay with one variant and hang together."),
    ] = None,
    alpha: Alpha = 0.05,
    no_adjust: Annotated[
        bool, typer.Option("--no-adjust", help="Leave in what the champion's answer to a row explains.")
    ] = False,
    then: Annotated[
        Literal["rollout", "keep"],
        typer.Option("--then", help="By itself: roll out what is better and else end it; or only look."),
    ] = "keep",
    slow_ms: Annotated[
        float | None,
        typer.Option("--slow-ms", metavar="MS", help="How long a variant may take before the champion answers."),
    ] = None,
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Divide the traffic among the champion and other versions, by what is agreed here; none of it changes later.

    Example: [bold]evergreen experiment start checkout --arm B=4 --goal error=0.02 --units 7358 --unit customer
    --by "Ada Lovelace" --reason "fewer refunds"[/bold]
    """
    from cli import experiments
    from evergreen.record.registry import people
    from flows import experiments as flow

    person = people.person(by, reason)
    asked = experiments.asked(
        name,
        arm,
        goal,
        guard or (),
        unit=tuple(unit or ()),
        planned=units,
        alpha=alpha,
        adjust=not no_adjust,
        then=then,
    )
    begun = flow.start(opened(env, params), asked, person, slow_ms=slow_ms)
    emit(begun.model_dump(mode="json"), as_json, lambda: experiments.show_begun(begun))


@app.command("report")
def report(
    name: Named = None,
    as_of: AsOf = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the page there; default experiment-NAME.html in the home."),
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Say what an experiment shows, what follows from it, and what would decide; and draw how it came about.

    It may be read as often as anybody likes: its intervals hold at all looks together.

    Example: [bold]evergreen experiment report checkout[/bold], then open the file it names
    """
    from cli import experiments

    project = opened(env, params)
    looked = experiments.looked(project, name, as_of)
    page = out or project.settings.home / f"experiment-{looked.experiment.design.name}.html"
    if out or not as_json:
        experiments.write(project.name, looked, page)
    emit(looked.model_dump(mode="json"), as_json, lambda: experiments.show(looked, page))


@app.command("stop")
def stop(
    name: Named = None,
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """End an experiment: the champion answers all again, and what it showed is kept.

    Example: [bold]evergreen experiment stop checkout --by "Ada Lovelace" --reason "the season ended"[/bold]
    """
    from cli import experiments
    from evergreen.record.registry import people
    from flows import experiments as flow

    ended = flow.stop(opened(env, params), name, people.person(by, reason))
    emit(ended.model_dump(mode="json"), as_json, lambda: experiments.show_ended(ended))
