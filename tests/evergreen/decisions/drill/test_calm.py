"""Days drawn anew are days that were, by the week; and of alarms that never had a reason few are raised."""

from datetime import date

FIRST = date(2024, 1, 1)
