"""Versions whose cards are looked at, made once for all."""

import carded
import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the steps of these versions put what they make."""
    return tmp_path_factory.mktemp("carded")


@pytest.fixture(scope="session")
def versions(folder):
    """The versions of a truth value and of one of several classes."""
    return {which: carded.version(which, folder) for which in ("binary", "multiclass")}


@pytest.fixture(scope="session")
def honest(versions):
    """A version of a truth value, with a protected column."""
    return versions["binary"]
