"""Fixtures of the loop: processes that can be killed."""

from collections.abc import Iterator

import killing
import pytest


@pytest.fixture(scope="session")
def forks() -> Iterator[killing.Killer]:
    """What runs the loop in processes of their own."""
    with killing.killer() as forks:
        yield forks
