"""What many commands share: their options, and how a result is printed."""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evergreen.project import Project

Env = Annotated[str, typer.Option("--env", metavar="NAME", help="Where to run: configs/env/NAME.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; logs go to stderr.")]
ParamsFile = Annotated[
    str, typer.Option("--params", metavar="FILE", help="The parameters file, relative to the project.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a parameter; may be repeated.")
]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; kept with the decision.")]
Why = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the decision.")]
Version = Annotated[int, typer.Argument(metavar="V", help="The version's number.", min=1)]
Direct = Annotated[
    bool, typer.Option("--direct", help="To all traffic at once, without shadow and canary; kept with the promotion.")
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; kept with the version.")]
AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Train although changes are not committed; the version is tagged.")
]
Window = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="PERIOD",
        help="A month, YYYY-MM, or days, FROM..TO, without TO. Default: the last whole month.",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="TIME", help="Look with what was known then: ISO 8601, UTC unless it says so. Default: now."
    ),
]


def opened(env: str, params: str, overrides: Sequence[str] | None = None) -> "Project":
    """Return a project whose libraries keep their state at home, and send nothing."""
    from evergreen.project import Project

    project = Project.open(env, params, overrides or ())
    os.environ.update(project.settings.environment())
    return project


def emit(result: dict[str, Any], as_json: bool, display: Any) -> None:
    """Print a result for a program or for a person."""
    if as_json:
        typer.echo(json.dumps(result))
    else:
        display()
