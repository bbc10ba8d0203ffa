"""What Prefect's UI says of a flow's parameters, in the form that it shows before a run."""

from prefect.deployments.runner import RunnerDeployment

EXPLAINED = {
    "env": "The environment: a file of configs/env, without its ending.",
    "params_file": "The file of parameters, from the project's folder.",
    "overrides": "section.key=value each: what is set instead of what stands in the file of parameters.",
    "reason": "Why; kept with what comes of it.",
    "newest": "On all rows whose labels are due by now, whatever ingest.end says.",
    "incident": "The window to act on, as the event said it; if another one decides by now, nothing is done.",
    "version": "The number of a version; without it the champion, or the one that was proposed last.",
    "source": "A file, a folder or a glob of rows.",
    "target": "A file, or a folder for many, for the same rows with predictions.",
    "logs": "Whether each answer is kept in the prediction log.",
    "older_than_days": "What is younger stays, although nothing names it.",
}


def explain(deployment: RunnerDeployment) -> RunnerDeployment:
    """Return a deployment whose form says what each parameter means.

    Prefect reads that from docstrings of another style than ours, and has no other door for it.

    Raises
    ------
    KeyError for a parameter that nobody explained.
    """
    for name, field in deployment._parameter_openapi_schema.properties.items():
        field["description"] = EXPLAINED[name]
    return deployment
