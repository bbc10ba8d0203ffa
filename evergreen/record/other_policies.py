"""What other policies would have brought on the rows that a split of the traffic routed, by what the log holds."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from evergreen.base.errors import ConfigError, DataError
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import format_of
from evergreen.data.ingest import layouts, rows
from evergreen.data.ingest.items import item_of
from evergreen.decisions.experiments.bandits import EpsilonGreedy, Policy, RewardKind, Thompson, shares, tallied
from evergreen.decisions.experiments.policies import Evaluated, codes_of, evaluate, expected_rewards
from evergreen.decisions.rollout.traffic import Traffic
from evergreen.record import bandits, traffic
from evergreen.record.choices import Choices, choices
from evergreen.record.ledger.ledger import Ledger

Floats = npt.NDArray[np.float64]
NEXT_STEP = (
    "Write uniform, always:ARM, ARM=SHARE,ARM=SHARE with shares that add up to 1, thompson, epsilon:0.1, or a file "
    "with prediction_id and arm."
)


class Split(Value):
    """A bandit, an experiment or a rollout that divided the traffic: its rules, oldest first.

    `reward`: what its rows are asked for. `unit`: the columns that kept a key with its arm.
    """

    owner: str
    reward: RewardKind
    unit: tuple[str, ...]
    arms: tuple[str, ...]
    rules: dict[str, dict[str, float]]
    began: dict[str, datetime]


def split_of(ledger: Ledger, model: str, name: str, *, reward: RewardKind | None) -> Split:
    """Return the split of a bandit's name, or of an owner of the traffic such as `experiment-checkout`.

    Raises
    ------
    ConfigError if there is none, or nothing says what its rows are asked for.
    """
    owners = (bandits.PREFIX + name, name)
    kept = [entry for entry in ledger.entries(model, traffic.TRAFFIC) if entry.payload.get("owner") in owners]
    ruled = [(entry, Traffic.model_validate(entry.payload["traffic"])) for entry in kept if entry.payload["traffic"]]
    split = [(entry, rule) for entry, rule in ruled if rule.mode == "split"]
    if not split:
        bandits.named(ledger, model, name)  # which names those there are
    asked = reward or (kept[0].payload.get("bandit") or {}).get("reward")
    if asked is None:
        raise ConfigError(
            "BAN003",
            f"nothing says what the rows of {name} are asked for",
            where="command line",
            next_step="Name it: --reward label, correct or error.",
        )
    return Split(
        owner=split[0][1].owner,
        reward=asked,
        unit=split[0][1].unit,
        arms=tuple(dict.fromkeys(arm.name for _, rule in split for arm in rule.arms)),
        rules={rule.rule: {arm.name: arm.share for arm in rule.arms} for _, rule in split},
        began={rule.rule: entry.at for entry, rule in split},
    )


def learning_policy(text: str) -> Policy | None:
    """Return the policy that learns of a text such as ``thompson``, ``thompson:0.02`` or ``epsilon:0.1``, if it is one.

    Examples
    --------
    >>> learning_policy("epsilon:0.2")
    EpsilonGreedy(kind='epsilon', epsilon=0.2)
    >>> learning_policy("uniform") is None
    True
    """
    found = re.fullmatch(r"(thompson|epsilon)(?::([0-9.eE+-]+))?", text)
    if found is None:
        return None
    about: dict[str, object] = {"kind": found[1]}
    if found[2]:
        about["floor" if found[1] == "thompson" else "epsilon"] = found[2]
    try:
        return TypeAdapter[Thompson | EpsilonGreedy](Policy).validate_python(about)
    except ValidationError as error:
        raise ConfigError(
            "BAN004",
            f"'{text}': {error.errors()[0]['msg']}",
            where="--policy",
            next_step="thompson takes the share that every arm gets at least, up to 0.125; epsilon one up to 1.",
        ) from error


def rewarded(folder: Path, ledger: Ledger, model: str, split: Split, *, as_of: datetime) -> Choices:
    """Return a split's rows that have a reward by then, of the log or kept in the ledger, and what is known of them."""
    found = choices(
        folder,
        model=model,
        owner=split.owner,
        reward=split.reward,
        as_of=as_of,
        since=min(split.began.values()),
        unit=split.unit,
        about=True,
    )
    until_us = round(as_of.timestamp() * 1_000_000)
    kept = {each.prediction_id: each for each in ledger.rewarded(model, split.owner) if each.known_us <= until_us}
    table = found.rows
    if kept:
        ids, values, known = (table.column(name).to_pylist() for name in ("prediction_id", "reward", "known_us"))
        for row, name in enumerate(ids):
            if (held := kept.get(name)) and (known[row] is None or held.known_us >= known[row]):
                values[row], known[row] = held.reward, held.known_us
        for name, column, kind in (("reward", values, pa.float64()), ("known_us", known, pa.int64())):
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(column, kind))
    there = pc.and_(table.column("reward").is_valid(), pc.is_in(table.column("rule"), pa.array(list(split.rules))))
    return Choices(table.filter(there), found.about[there.to_numpy(zero_copy_only=False)])


def evaluated(routed: Choices, split: Split, text: str, *, contract: Contract, confidence: float = 0.95) -> Evaluated:
    """Return what a policy would have brought on rewarded rows of a split.

    Parameters
    ----------
    text : `uniform`, `always:ARM`, `ARM=SHARE,…`, `thompson[:FLOOR]`, `epsilon[:EPSILON]`: what such a bandit would
        have chosen under each rule, by the rewards known when it began; or a file of arms by prediction.

    Raises
    ------
    ConfigError if it names no policy, or arms that the split has not, or chooses one where the split never did.
    DataError if a file cannot be read.
    """
    table = routed.rows
    policy = _policy(table, split, text)
    if policy is None:
        table, routed, policy = _by_file(routed, split, Path(text), contract)
    _require_possible(table, split, policy, text)
    drawn = _places(table.column("arm").to_pylist(), split)
    rewards = table.column("reward").to_numpy()
    drawn_together = pc.coalesce(table.column("unit"), table.column("prediction_id"))
    clusters = codes_of(drawn_together.to_pylist())
    expected = expected_rewards(routed.about, drawn, rewards, clusters=clusters, n_arms=len(split.arms))
    return evaluate(
        drawn,
        rewards,
        table.column("propensity").to_numpy(),
        policy,
        clusters=clusters,
        expected=expected,
        confidence=confidence,
    )


def _policy(table: pa.Table, split: Split, text: str) -> Floats | None:
    """Return the probabilities of a policy for each row and arm; None where the text is a file's name."""
    n = table.num_rows
    if text == "uniform":
        return np.full((n, len(split.arms)), 1 / len(split.arms))
    if (learns := learning_policy(text)) is not None:
        return _learnt(table, split, learns)
    if text.startswith("always:"):
        return np.tile(_shares({text.removeprefix("always:"): 1.0}, split, text), (n, 1))
    if "=" in text:
        parts = [part.partition("=") for part in text.split(",")]
        try:
            given = {arm.strip(): float(share) for arm, _, share in parts}
        except ValueError as error:
            raise _no_policy(text) from error
        return np.tile(_shares(given, split, text), (n, 1))
    if not Path(text).exists():
        raise _no_policy(text)
    return None


def _shares(given: Mapping[str, float], split: Split, text: str) -> Floats:
    unknown = set(given) - set(split.arms)
    if unknown or abs(sum(given.values()) - 1) > 1e-6 or any(not 0 <= share <= 1 for share in given.values()):
        raise _no_policy(text, f"; {split.owner} has the arms {', '.join(split.arms)}")
    return np.array([given.get(arm, 0.0) for arm in split.arms])


def _learnt(table: pa.Table, split: Split, policy: Policy) -> Floats:
    """Return what a bandit would have chosen under each rule, by what was known when it began."""
    arms, rewards, known = (table.column(name).to_pylist() for name in ("arm", "reward", "known_us"))
    if not all(bandits.takes(policy, reward) for reward in set(rewards)):
        raise ConfigError(
            "BAN005",
            "Thompson's counts are of rewards that are 0 or 1, and there are others",
            where="--policy",
            next_step="Evaluate epsilon instead.",
        )
    of: dict[str, Floats] = {}
    for rule, at in split.began.items():
        at_us = round(at.timestamp() * 1_000_000)
        before = [(arm, reward, 1) for arm, reward, us in zip(arms, rewards, known, strict=True) if us <= at_us]
        chosen = shares(policy, tallied(split.arms, before))
        of[rule] = np.array([chosen[arm] for arm in split.arms])
    rules = table.column("rule").to_pylist()
    return np.array([of[rule] for rule in rules]).reshape(len(rules), len(split.arms))


def _by_file(routed: Choices, split: Split, path: Path, contract: Contract) -> tuple[pa.Table, Choices, Floats]:
    """Return the rows that a file names an arm for, and the choice of each as probabilities."""
    item = item_of(path, name=str(path), otherwise=format_of(contract.source))
    came = rows.read(item, layouts.for_file(item, contract.source, ["prediction_id", "arm"]))
    missing = [name for name in ("prediction_id", "arm") if name not in came.schema.names]
    if missing:
        raise DataError(
            "DQ001",
            f"missing columns: {', '.join(missing)}",
            where=str(path),
            next_step="Give both: prediction_id, arm.",
        )
    chosen: dict[str, str] = {}
    for batch in came.batches:
        texts = (batch.column(name).cast(pa.string()).to_pylist() for name in ("prediction_id", "arm"))
        chosen.update(zip(*texts, strict=True))
    ids = routed.rows.column("prediction_id").to_pylist()
    there = np.array([name in chosen for name in ids], dtype=bool)
    kept = Choices(routed.rows.filter(pa.array(there)), routed.about[there])
    places = _places([chosen[name] for name in kept.rows.column("prediction_id").to_pylist()], split, str(path))
    return kept.rows, kept, np.eye(len(split.arms))[places].reshape(len(places), len(split.arms))


def _places(names: Sequence[str], split: Split, where: str = "") -> npt.NDArray[np.int64]:
    known = {arm: place for place, arm in enumerate(split.arms)}
    others = sorted({str(name) for name in names if name not in known})
    if others:
        raise _no_policy(where, f": {', '.join(others[:5])}; {split.owner} has the arms {', '.join(split.arms)}")
    return np.array([known[name] for name in names], dtype=np.int64)


def _require_possible(table: pa.Table, split: Split, policy: Floats, text: str) -> None:
    """Raise ConfigError where a policy may choose an arm under a rule that never draws it: nothing is known of it."""
    rules = table.column("rule").to_pylist()
    drawn = {rule: np.array([given.get(arm, 0.0) for arm in split.arms]) > 0 for rule, given in split.rules.items()}
    possible = np.array([drawn[rule] for rule in rules], dtype=bool).reshape(len(rules), len(split.arms))
    for row, place in np.argwhere((policy > 0) & ~possible)[:1]:
        raise ConfigError(
            "BAN006",
            f"'{text}' chooses {split.arms[place]}, which {rules[row]} never drew: nothing says what it brings",
            where="--policy",
            next_step="Evaluate one that chooses among the arms that every rule drew.",
        )


def _no_policy(text: str, more: str = "") -> ConfigError:
    return ConfigError("BAN004", f"'{text}' is no policy{more}", where="--policy", next_step=NEXT_STEP)
