"""The commands of `evergreen bandit`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.options import By, Env, Json, ParamsFile, Why, emit, opened
from evergreen.base.errors import DataError

app = typer.Typer(no_args_is_help=True, help="Versions that share the traffic by what each of them brings.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The bandit's name.")]


@app.command("start")
def start(
    name: Name,
    versions: Annotated[list[int], typer.Argument(metavar="V...", help="The versions beside the champion.", min=1)],
    policy: Annotated[
        str,
        typer.Option("--policy", metavar="POLICY", help="How it chooses: thompson, thompson:FLOOR or epsilon:SHARE."),
    ] = "thompson",
    reward: Annotated[
        Literal["label", "correct", "error", "file"],
        typer.Option("--reward", help="What a prediction brings."),
    ] = "label",
    unit: Annotated[
        list[str] | None,
        typer.Option(
            "--unit", metavar="COL", help="A column whose rows keep their arm between two changes; may be repeated."
        ),
    ] = None,
    slow_ms: Annotated[
        float, typer.Option("--slow-ms", metavar="MS", help="After which the champion answers for an arm.", min=1)
    ] = 500.0,
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Let versions share the traffic with the champion; their shares follow what each of them brings.

    Example: [bold]evergreen bandit start prices 4 5 --unit customer --by Ada --reason "three prices"[/bold]
    """
    from cli import bandits
    from evergreen.record.registry import people

    person = people.person(by, reason)
    project = opened(env, params)
    plan = bandits.planned(project, name, versions, policy=policy, reward=reward, unit=unit or (), slow_ms=slow_ms)
    told = bandits.start(project, plan, person)
    emit(told, as_json, lambda: bandits.show(told))


@app.command("report")
def report(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Default: the one that began last.")] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Say what each arm has and brought, how likely it is the best, and what it would bring if it had all."""
    from cli import bandits

    told = bandits.report(opened(env, params), name)
    emit(told, as_json, lambda: bandits.show(told))


@app.command("reward")
def reward(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON lines or Parquet.")],
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Bring in a file of rewards: prediction_id, reward, and known_at if there is one; each counts once.

    It ends with 3 if none of its rows can be taken.

    Example: [bold]evergreen bandit reward prices sales.csv[/bold]
    """
    from cli import bandits

    told = bandits.reward(opened(env, params), name, file)
    emit(told, as_json, lambda: bandits.show_rewards(told))
    if told["rows"] and not told["taken"]:
        raise typer.Exit(DataError.exit_code)


@app.command("stop")
def stop(
    name: Name,
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Let the champion alone answer again; what was learnt is kept, and can be read and evaluated.

    Example: [bold]evergreen bandit stop prices --by Ada --reason "B is the best"[/bold]
    """
    from cli import bandits
    from evergreen.record.registry import people

    person = people.person(by, reason)
    told = bandits.stop(opened(env, params), name, person)
    emit(told, as_json, lambda: bandits.show(told))


@app.command("evaluate")
def evaluate(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A bandit, or who else divided the traffic: experiment-checkout.")
    ],
    policy: Annotated[
        list[str],
        typer.Option(
            "--policy",
            metavar="POLICY",
            help="uniform, always:ARM, ARM=SHARE,..., thompson, epsilon:SHARE, or a file of choices; may be repeated.",
        ),
    ],
    reward: Annotated[
        Literal["label", "correct", "error"] | None,
        typer.Option("--reward", help="What a prediction brings; a bandit's own without it."),
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Say what other policies would have brought on the rows that were routed, with intervals, and change nothing.

    Example: [bold]evergreen bandit evaluate prices --policy always:B --policy epsilon:0.1[/bold]
    """
    from cli import bandits

    told = bandits.evaluate(opened(env, params), name, policy, reward=reward)
    emit(told, as_json, lambda: bandits.show_evaluated(told))
