"""What a bundle says of its model beside the compiled form of it."""

import msgspec

from evergreen.base.errors import IntegrityError
from evergreen.record.predictions.records import Columns

ABOUT = "edge.json"


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The release, and what a row is logged and read with.

    `threshold`: from which probability on the label of a binary model is true. `missing`: what text files write where a
    value is not known.
    """

    model: str
    version: int
    model_digest: str
    threshold: float
    columns: Columns
    missing: tuple[str, ...]

    @classmethod
    def from_bytes(cls, content: bytes) -> "About":
        """Return what `evergreen package --edge` wrote; raises IntegrityError for anything else."""
        try:
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise IntegrityError(
                "PKG008",
                f"not what a bundle says of its model: {' '.join(str(error).split())[:200]}",
                where=ABOUT,
                next_step="Do not use this copy. Make the bundle again: evergreen package --edge DIR",
            ) from error
