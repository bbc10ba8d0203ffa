"""`evergreen data`: the dataset versions in the store."""

from typing import Any

from rich.console import Console
from rich.table import Table

from cli.show import escape
from evergreen.data import datasets
from evergreen.data.datasets import Manifest, VersionDifference
from evergreen.project import Project

out = Console(highlight=False)
MOST_ITEMS = 20


def listed(project: Project) -> list[Manifest]:
    """Return the versions of the project's dataset, oldest first."""
    return [manifest for _, manifest in datasets.versions(project.datasets / project.name)]


def found(project: Project, version: str) -> tuple[str, Manifest]:
    """Return the folder and the manifest of one version, named by the beginning of its digest, or ``latest``."""
    path, manifest = datasets.find(project.datasets / project.name, version)
    return str(path), manifest


def summary(manifest: Manifest) -> dict[str, Any]:
    """Return what a version is, without its files."""
    return {
        **manifest.model_dump(mode="json", include={"name", "digest", "rows", "source", "made_with", "ingested_at"}),
        "partitions": manifest.partitions,
        "bytes": sum(fragment.size for fragment in manifest.fragments),
    }


def show_list(manifests: list[Manifest]) -> None:
    if not manifests:
        out.print("No dataset version yet. Next: evergreen run")
        return
    table = Table("version", "ingested", "rows", "partitions", "items", "MiB", box=None)
    for manifest in manifests:
        partitions = [*manifest.partitions]
        table.add_row(
            manifest.digest[:12],
            f"{manifest.ingested_at:%Y-%m-%d %H:%M}",
            f"{manifest.rows:,}",
            f"{partitions[0]} to {partitions[-1]} ({len(partitions)})" if partitions else "none",
            str(len(manifest.items)),
            f"{sum(fragment.size for fragment in manifest.fragments) / 2**20:.1f}",
        )
    out.print(table)


def show_version(path: str, manifest: Manifest) -> None:
    out.print(f"[bold]{escape(manifest.name)}[/bold] {manifest.digest}")
    out.print(f"{manifest.rows:,} rows from {manifest.source}, ingested {manifest.ingested_at:%Y-%m-%d %H:%M} UTC")
    out.print(escape(path))
    columns = Table("column", "type", box=None)
    for name, kind in manifest.types.items():
        if not name.startswith("_"):
            columns.add_row(escape(name), kind)
    partitions = Table("partition", "rows", box=None)
    for name, rows in manifest.partitions.items():
        partitions.add_row(name, f"{rows:,}")
    items = Table("item", "rows", "bytes", "sha256", "", box=None)
    for item in manifest.items[:MOST_ITEMS]:
        note = f"same bytes as {item.duplicate_of}" if item.duplicate_of else ""
        items.add_row(escape(item.name), f"{item.rows:,}", f"{item.size:,}", item.sha256[:12], escape(note))
    for name, sha256 in manifest.joined.items():
        items.add_row(escape(name), "joined", "", sha256[:12], "")
    for table in (columns, partitions, items):
        out.print("", table)
    if len(manifest.items) > MOST_ITEMS:
        out.print(f"and {len(manifest.items) - MOST_ITEMS} more items: --json")


def show_difference(difference: VersionDifference) -> None:
    if difference.same:
        out.print("The same rows and columns.")
    for what, names in (
        ("columns added", difference.added_columns),
        ("columns dropped", difference.dropped_columns),
        ("columns of another type", [f"{n}: {a} to {b}" for n, (a, b) in difference.retyped_columns.items()]),
        ("items added", difference.added_items),
        ("items dropped", difference.dropped_items),
        ("items changed", difference.changed_items),
    ):
        if names:
            out.print(f"[bold]{what}[/bold]: {escape(', '.join(names))}")
    if difference.partitions:
        table = Table("partition", "rows before", "rows after", "difference", box=None)
        for name, (before, after) in difference.partitions.items():
            table.add_row(name, f"{before:,}", f"{after:,}", f"{after - before:+,}" if after != before else "changed")
        out.print("", table)
