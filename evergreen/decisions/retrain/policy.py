"""What a policy answers, where a signal fired, did not, or could not be judged."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from evergreen.config.params.policy import Policy

MOST_TOGETHER = 3  # signals that are tried together; after that, all
Answers = Mapping[str, bool | None]  # of each signal, by its text; None: it could not be judged


def answer(policy: Policy, said: Answers) -> bool | None:
    """Return whether a policy fires; None where that hangs on what could not be judged (Kleene's three values).

    Examples
    --------
    >>> said = {"harm": False, "probe": None, "drift": True}
    >>> [answer(Policy.parse(f"{kind}(harm,probe,drift)"), said) for kind in ("any", "all", "majority")]
    [True, False, None]
    """
    if not policy.parts:
        return said[str(policy)]
    each = [answer(part, said) for part in policy.parts]
    fired, open_ = each.count(True), each.count(None)
    needed = {"any": 1, "all": len(each)}.get(policy.kind, len(each) // 2 + 1)
    if fired >= needed:
        return True
    return None if fired + open_ >= needed else False


def behind(policy: Policy, said: Answers) -> tuple[str, ...]:
    """Return the signals by which a policy fired, in the order in which they are written; none where it did not.

    Of `any` the first that fired is enough.
    """
    if not answer(policy, said):
        return ()
    if not policy.parts:
        return (str(policy),)
    found = [behind(part, said) for part in policy.parts]
    if policy.kind == "any":
        return next(each for each in found if each)
    return tuple(dict.fromkeys(name for each in found for name in each))


def turning(policy: Policy, said: Answers) -> tuple[str, ...]:
    """Return the fewest signals that together would have led to another answer, each the other way round.

    One that could not be judged counts as either. All that alone would have are returned, or else the first pair, or
    triple, and so on; none of a policy that asks no signal.

    Examples
    --------
    >>> turning(Policy.parse("any(harm,probe)"), {"harm": False, "probe": None})
    ('harm', 'probe')
    >>> turning(Policy.parse("any(harm,probe)"), {"harm": True, "probe": True})
    ('harm', 'probe')
    """
    names = [str(signal) for signal in policy.signals if signal.kind != "never"]
    now = bool(answer(policy, said))
    if alone := [name for name in names if _turns(policy, said, (name,), now)]:
        return tuple(alone)
    return next((some for some in _some(names) if _turns(policy, said, some, now)), ())


def _some(names: list[str]) -> Iterator[tuple[str, ...]]:
    yield from (some for n in range(2, min(len(names), MOST_TOGETHER + 1)) for some in combinations(names, n))
    yield tuple(names)


def _turns(policy: Policy, said: Answers, changed: tuple[str, ...], now: bool) -> bool:
    other = {**said, **dict.fromkeys(changed, not now)}
    return bool(answer(policy, other)) != now
