"""The section `monitor`."""

from typing import Literal

from evergreen.config.section import Section


class MonitorParams(Section):
    """Which windows are looked at by themselves."""

    window: Literal["month", "week", "day"] = "month"
    """how long a window is that is looked at once it is complete: a calendar month, a week from Monday on, or a day"""
