"""The parameters that tests bring with them, so that those of the project are its owner's to change."""

from pathlib import Path

FILE = Path(__file__).with_name("params.yaml")
