"""What the names in a folder say: which files are no rows, and what folders named column=value say of theirs."""

from pathlib import PurePosixPath
from urllib.parse import unquote

LEFT_OUT = (".", "_")
LOCKS = "~$"  # what Excel puts beside a workbook that is open
NULL_VALUE = "__HIVE_DEFAULT_PARTITION__"
# What lies beside data and is none. Of any other name that tells no format, somebody is asked.
NOT_DATA = frozenset((
    ".dvc", ".md", ".markdown", ".rst", ".html", ".htm", ".pdf", ".docx", ".yaml", ".yml", ".toml", ".py", ".r", ".sh",
    ".sql", ".ipynb", ".png", ".jpg", ".svg", ".md5", ".sha1", ".sha256", ".crc", ".log", ".names", ".license",
))  # fmt: skip
ABOUT = frozenset(("readme", "license", "licence", "copying", "changelog", "notice", "makefile", "dockerfile"))


def is_no_data(name: str) -> bool:
    """Return whether a file of a folder is none of rows, by its name.

    Examples
    --------
    >>> [is_no_data(name) for name in ("README.md", "readme.txt", "readme.csv", "2024.csv", "part-0001")]
    [True, True, False, False, False]
    """
    path = PurePosixPath(PurePosixPath(name).name.lower())
    is_about = path.stem in ABOUT and path.suffix in ("", ".txt")
    return is_about or path.suffix in NOT_DATA or path.name.startswith(LOCKS)


def values_of(name: str) -> dict[str, str | None]:
    """Return what the folders named column=value above a file say of its rows.

    Examples
    --------
    >>> values_of("sales/region=north%2Fwest/day=__HIVE_DEFAULT_PARTITION__/a.csv")
    {'region': 'north/west', 'day': None}
    """
    pairs = (part.partition("=") for part in PurePosixPath(name).parts[:-1] if "=" in part.lstrip("="))
    return {unquote(key): None if value == NULL_VALUE else unquote(value) for key, _, value in pairs}
