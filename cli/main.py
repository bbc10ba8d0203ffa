"""The command line: `evergreen`."""

import logging
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cli import (
    advice,
    alerts_command,
    card_command,
    contract_commands,
    data_commands,
    degree_commands,
    history_commands,
    init_options,
    labels_commands,
    memory_commands,
    package_command,
    predictions_commands,
    registry_commands,
    report_command,
    review_commands,
    streams,
)
from cli.ending import INTERRUPTED, explained
from cli.options import AllowDirty, AsOf, Env, Json, Overrides, ParamsFile, Reason, Window, emit
from evergreen.base import memory
from evergreen.base.errors import ConfigError, GateRefused
from evergreen.base.months import span

app = typer.Typer(
    name="evergreen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="A machine-learning lifecycle you own as a repository.",
    epilog="Exit codes: 0 done, 2 usage or configuration, 3 data invalid, 4 gate refused, 5 a dependency is "
    "unavailable, 6 lost a race, 7 integrity, 8 resources, 9 our bug.",
)

app.add_typer(contract_commands.app, name="contract")
app.add_typer(data_commands.app, name="data")
app.add_typer(degree_commands.app, name="degree")
app.add_typer(predictions_commands.app, name="predictions")
app.add_typer(labels_commands.app, name="labels")
app.add_typer(review_commands.app, name="review")
app.registered_commands += registry_commands.app.registered_commands
memory_commands.register(app)
history_commands.register(app)


@app.callback()
def main_options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and detailed logs; anywhere in the line.")
    ] = False,
) -> None:
    from rich.console import Console
    from rich.logging import RichHandler

    handler = RichHandler(console=Console(stderr=True), show_level=False, show_path=False, log_time_format="%H:%M:%S")
    for name in ("evergreen", "tasks", "flows", "cli"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG if debug else logging.INFO)
        logger.addHandler(handler)
        logger.propagate = False  # Prefect puts a handler of its own on the root


@app.command()
def init(
    target: Annotated[str, typer.Option("--target", metavar="COL", help="The column to predict.")],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="A CSV, TSV, Parquet, JSON or Excel file, a folder, a glob or an s3:// URL."
        ),
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="COL", help="When a row was observed; found by itself if clear.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="COL", help="A column that names rows; may be repeated.")
    ] = None,
    task: Annotated[
        Literal["auto", "binary", "multiclass", "regression"], typer.Option("--task", help="What to predict.")
    ] = "auto",
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The dataset's name; the file's if left out.")
    ] = None,
    connection: Annotated[
        str | None, typer.Option("--connection", metavar="NAME", help="Instead of DATA: a database of the settings.")
    ] = None,
    query: Annotated[str | None, typer.Option("--query", metavar="SQL", help="The SELECT that gives the rows.")] = None,
    format: init_options.Format = None,
    delimiter: init_options.Delimiter = None,
    encoding: init_options.Encoding = None,
    decimal: init_options.Decimal = None,
    missing: init_options.Missing = None,
    no_header: init_options.NoHeader = False,
    names: init_options.Names = None,
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Look at a table and write its contract and parameters, ready to run and to review.

    Examples: [bold]evergreen init data/tumours.csv --target benign --time taken_at[/bold]

    [bold]evergreen init --connection warehouse --query "SELECT * FROM orders" --target returned[/bold]
    """
    from cli import init as tables
    from evergreen.config.settings import Settings

    written = tables.init(
        Settings.load(env),
        data=data,
        target=target,
        time=time,
        key=key or (),
        task=None if task == "auto" else task,
        name=name,
        connection=connection,
        query=query,
        layout=init_options.layout(
            format=format, delimiter=delimiter, encoding=encoding, no_header=no_header, names=names
        ),
        decimal=decimal,
        missing=missing or (),
    )
    emit(written.summary(), as_json, lambda: tables.show(written))


@app.command()
def run(
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    overrides: Overrides = None,
    reason: Reason = None,
    allow_dirty: AllowDirty = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say of every candidate what each check saw.")] = False,
    as_json: Json = False,
) -> None:
    """Train: ingest, validate, features, tune, train, evaluate, gate, register, package.

    Steps whose code, data and parameters are unchanged are not run again.

    Example: [bold]evergreen run --set tune.trials=5 --set seed=3[/bold]
    """
    from cli import training
    from evergreen.project import Project

    project = Project.open(env, params, overrides or (), allow_dirty=allow_dirty)
    outcome = training.train(project, reason=reason)
    training.tell(outcome, as_json, explain=explain)


@app.command()
def resume(env: Env = "local", as_json: Json = False) -> None:
    """Continue the run that was interrupted last, as it was asked for; what it finished is kept.

    Example: [bold]evergreen resume[/bold]
    """
    from cli import training, unfinished
    from evergreen.config.settings import Settings

    run = unfinished.last(Settings.load(env))
    outcome = training.train(unfinished.open_again(run), reason=run.reason)
    training.tell(outcome, as_json)


@app.command()
def plan(
    env: Env = "local", params: ParamsFile = "params.yaml", overrides: Overrides = None, as_json: Json = False
) -> None:
    """Show what [bold]evergreen run[/bold] would do, and why, without doing it."""
    from cli import plans, show
    from evergreen.project import Project

    steps = plans.planned(Project.open(env, params, overrides or ()))
    emit({"steps": [step.model_dump() for step in steps]}, as_json, lambda: show.plan(steps))


@app.command()
def replay(
    start: Annotated[str, typer.Option("--from", metavar="YYYY-MM", help="The first month to walk.")],
    end: Annotated[str, typer.Option("--to", metavar="YYYY-MM", help="The last month to walk.")],
    policies: Annotated[
        str | None,
        typer.Option("--policies", metavar="A,B,...", help="Compare policies on these months, and change nothing."),
    ] = None,
    latency: Annotated[
        str | None,
        typer.Option("--latency", metavar="TIME", help="With --policies: how late a new model answers; 1d without it."),
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    overrides: Overrides = None,
    allow_dirty: AllowDirty = False,
    as_json: Json = False,
) -> None:
    """Walk the calendar: train on what came before, then monitor, decide and retrain month by month.

    Ends with a table, and asks the packaged champion for ten rows to check that it answers as batch scoring does.

    With policies, each of them walks the months by itself, and what they would have cost and gained is compared.

    Examples: [bold]evergreen replay --from 2013-03 --to 2013-12[/bold]

    [bold]evergreen replay --from 2013-03 --to 2013-12 --policies "never,every-1,any(harm,probe)"[/bold]
    """
    from cli import replay as walk
    from evergreen.config import consistency
    from evergreen.project import Project

    (first, _), (last_start, last) = month(start), month(end)
    project = Project.open(env, params, overrides or (), allow_dirty=allow_dirty)
    consistency.require_time(project.contract)
    if first >= last:
        raise ConfigError(
            "CFG015",
            f"the walk would end in {end}, before it begins in {start}",
            where="command line",
            next_step="Exchange --from and --to.",
        )
    if policies is not None:
        from cli import arms

        arms.require_months(first, last_start)
        chosen, late = arms.chosen(policies), arms.latency(latency or "1d")
        result = arms.run(project, chosen, first, last, latency=late, as_json=as_json)
    elif latency is not None:
        raise ConfigError(
            "RPL003",
            "--latency says how late the models of policies answer, and there are no --policies",
            where="--latency",
            next_step="Add --policies, or leave it out.",
        )
    else:
        project.may_train()
        result = walk.run(project, first, last, as_json=as_json)
    emit(result, as_json, lambda: None)


@app.command()
def up(
    env: Env = "local",
    prefect_port: Annotated[int, typer.Option(min=1, max=65535, help="Where Prefect's UI listens.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Where MLflow's UI listens.")] = 5000,
    as_json: Json = False,
) -> None:
    """Start the local platform and keep it alive until Ctrl-C: Prefect, MLflow, the service and all that is scheduled.

    Windows are looked at by themselves, and what they decide is done. The service starts with the first champion.

    Example: [bold]evergreen up[/bold], then open http://127.0.0.1:4200 and http://127.0.0.1:5000.
    """
    from cli import platform, show
    from evergreen.config.settings import Settings

    def announce(result: dict[str, Any]) -> None:
        emit(result, as_json, lambda: show.summary("Running; Ctrl-C stops all of it", result))

    platform.up(Settings.load(env), env, announce, prefect_port=prefect_port, mlflow_port=mlflow_port)


@app.command()
def serve(
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    host: Annotated[str | None, typer.Option(help="Address to listen on; without it serve_host, loopback.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; without it serve_port, 3000.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that answer; without it serve_workers, 1.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve the champion, straight from its package, until Ctrl-C. A new champion is taken within 10 seconds.

    Examples:

    [bold]evergreen serve[/bold], then POST rows to http://127.0.0.1:3000/predict

    [bold]evergreen serve --port 8080 --workers 2[/bold], a worker for each core

    [bold]EVERGREEN_ADMIN_TOKEN=… evergreen serve[/bold], and POST /admin/reload takes the champion at once
    """
    from cli import service
    from evergreen.project import Project

    def announce(result: dict[str, Any]) -> None:
        emit(result, as_json, lambda: typer.echo(service.banner(result), err=True))

    service.serve(Project.open(env, params), announce, host=host, port=port, workers=workers)


@app.command()
def score(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="Rows: a CSV, TSV, JSON lines or Parquet file, a folder, or a glob.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="Where to: a .csv or .parquet file for one, a folder for many.")
    ],
    version: Annotated[str, typer.Option("--version", metavar="V", help="Who answers.")] = "champion",
    no_log: Annotated[bool, typer.Option("--no-log", help="Leave the answers out of the prediction log.")] = False,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Score rows with the champion; a row that breaks the contract gets no prediction, and says why.

    What is there already, of the same rows by the same model, is not made again.

    Example: [bold]evergreen score flights.csv predictions.parquet[/bold]
    """
    from cli import batch, show
    from evergreen.project import Project

    outcome = batch.score(Project.open(env, params), source, target, version=version, logs=not no_log)
    emit(outcome.model_dump(mode="json"), as_json, lambda: show.scored(outcome))
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


@app.command()
def monitor(
    window: Window = None,
    as_of: AsOf = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Look at a window of what was served, or else of the source: shift, faults, harm, labels, and whether to retrain.

    Look again when rows or labels have come: all looks are kept, and the latest decides.

    Example: [bold]evergreen monitor --window 2013-03 --as-of 2013-04-15[/bold]
    """
    from cli import show_look, watching
    from cli.engine import engine
    from evergreen.config import consistency
    from evergreen.project import Project

    at = watching.time(as_of)
    chosen, project = window and watching.period(window), Project.open(env, params, overrides or ())
    consistency.require_time(project.contract)
    start, end = chosen or watching.last_month(project.contract, at)
    project.champion()
    with engine(project.settings):
        from flows.monitoring import run_monitoring

        look = run_monitoring(project, start, end, as_of=at)
    emit(look.model_dump(mode="json"), as_json, lambda: show_look.look(look))


@app.command()
def drill(
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="PERIOD",
            help="A month, YYYY-MM, or days, FROM..TO, without TO. Default: the last month whose labels are due.",
        ),
    ] = None,
    calm: Annotated[
        bool, typer.Option("--calm", help="Instead: how often alarms are raised where nothing changed.")
    ] = False,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Put a dozen faults into copies of the last window, and say what catches each, how soon, and who is told.

    Nothing of the state is written. Takes a minute or two.

    Examples: [bold]evergreen drill[/bold], [bold]evergreen drill --calm[/bold]
    """
    from cli import drill as drilling
    from cli import watching
    from evergreen.project import Project

    chosen, project = watching.period(window) if window else None, Project.open(env, params, overrides or ())
    if calm:
        found = drilling.calm(project)
        emit({"alarms": [one.model_dump(mode="json") for one in found]}, as_json, lambda: drilling.show_calm(found))
        return
    drilled = drilling.run(project, chosen, tell=lambda line: typer.echo(line, err=True))
    emit(drilling.told(drilled), as_json, lambda: drilling.show(drilled))


@app.command()
def retrain(
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    overrides: Overrides = None,
    reason: Reason = None,
    allow_dirty: AllowDirty = False,
    as_json: Json = False,
) -> None:
    """Act on the last window: train on all history so far if that was decided, or if a reason is given.

    Example: [bold]evergreen retrain --reason "new carrier"[/bold]
    """
    from cli import show
    from cli.engine import engine
    from evergreen.project import Project

    project = Project.open(env, params, overrides or (), allow_dirty=allow_dirty)
    with engine(project.settings):
        from flows.retraining import run_retraining

        outcome = run_retraining(project, reason=reason)
    emit(outcome.model_dump(mode="json"), as_json, lambda: show.retraining(outcome))
    if outcome.training and outcome.training.verdict == "refused":
        raise typer.Exit(GateRefused.exit_code)


@app.command()
def status(
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="A past time or date, ISO 8601, UTC unless it says so.")
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Say how things stand, what is champion, who made it so, and why; or what was at a time.

    Example: [bold]evergreen status --at 2026-05-03T14:30[/bold]
    """
    from cli import recall, show_registry, standing
    from evergreen.project import Project

    project = Project.open(env, params)
    found, stands = recall.standing(project, at), standing.found(project, at)

    def show() -> None:
        standing.show(stands)
        show_registry.standing(found, at=at)

    emit({**found.told(), **standing.told(stands)}, as_json, show)


app.command()(report_command.report)
app.command()(alerts_command.alerts)
app.command()(card_command.card)
app.command()(package_command.package)


@app.command()
def doctor(
    env: Env = "local",
    check: Annotated[bool, typer.Option("--check", help="Only look; repair nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Look for what is not as the ledger says, repair what is safe to repair, and say what is left.

    Example: [bold]evergreen doctor[/bold], after a crash or when MLflow shows something odd.
    """
    from cli import doctor as looking
    from cli import show
    from evergreen.config.settings import Settings

    findings = looking.examine(Settings.load(env), repair=not check)
    told = {"ok": looking.is_well(findings), "findings": [finding.model_dump(mode="json") for finding in findings]}
    emit(told, as_json, lambda: show.findings(findings))
    if code := looking.exit_code(findings):
        raise typer.Exit(code)


@app.command()
def prepare(env: Env = "local", as_json: Json = False) -> None:
    """Make the state folder and migrate its databases; other commands do it when it is needed."""
    from cli import engine
    from evergreen.config.settings import Settings

    settings = Settings.load(env)
    engine.prepare(settings)
    emit({"home": str(settings.home)}, as_json, lambda: None)


@app.command()
def upgrade(env: Env = "local", as_json: Json = False) -> None:
    """Bring the ledger of an older Evergreen to this one's tables; its entries stay what they are.

    Example: [bold]evergreen upgrade[/bold], after an update, when a command asks for it.
    """
    from evergreen.config.settings import Settings
    from evergreen.record.ledger.database import SCHEMA
    from evergreen.record.ledger.ledger import Ledger

    before = Ledger.open(Settings.load(env), older=True).upgrade()
    told = {"ledger": {"before": before, "now": SCHEMA}}
    emit(told, as_json, lambda: typer.echo(f"ledger: schema {before} before, {SCHEMA} now"))


def month(text: str) -> tuple[date, date]:
    """Return the first day of a month written YYYY-MM, and that of the next."""
    try:
        return span(text)
    except ValueError as error:
        raise ConfigError(
            "CFG015",
            f"expected a month such as 2013-03, got '{text}'",
            where="command line",
            next_step="Write it as YYYY-MM.",
        ) from error


def main() -> None:
    """Run the command line."""
    memory.collect_rarely()
    debug = "--debug" in sys.argv
    arguments = ["--debug"] * debug + [argument for argument in sys.argv[1:] if argument != "--debug"]

    def advise(text: str) -> str:
        return advice.kept(text, arguments, typer.main.get_command(app))

    streams.guard()
    with explained(debug, advise=advise):
        try:
            ended = app(arguments, standalone_mode=False)
        finally:
            streams.flush()
        if ended == INTERRUPTED:  # Typer made a number of the Ctrl-C
            raise KeyboardInterrupt
    sys.exit(ended)
