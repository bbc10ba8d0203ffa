"""The section `rollout`."""

from evergreen.config.section import Section


class RolloutParams(Section):
    """How a version that passed the gate comes to answer the traffic."""

    direct: bool = False
    """whether a version that passed the gate answers all traffic at once, which the ledger keeps with its promotion;
    default no: it goes by the plan, if there is a champion to compare it with. `evergreen init` writes yes"""
