"""The section `card`."""

from evergreen.config.card import Told
from evergreen.config.section import Section


class CardParams(Section):
    """What people must have said of a model before one is trained."""

    require: tuple[Told, ...] = ()
    """keys of [`configs/<dataset>/card.yaml`](../how-to/model-card.md#what-people-say) without which no training
    begins; default none: what is not said is named in a warning, and the card says that it is not stated"""
