"""Which rows are asked about at random: by a hash of their ids, so that everybody who looks finds the same ones."""

import hashlib


def is_asked(prediction_id: str, *, share: float, salt: str) -> bool:
    """Return whether the label of a prediction is asked for: of `share` of all, whatever they are of.

    The same id, share and salt give the same answer anywhere, and a larger share asks for all that a smaller one does.
    The probability with which a row was asked for, its propensity, is the `share` of its time.

    Parameters
    ----------
    share : in [0, 1].
    salt : of the model's audit. Who knows it and may choose ids can choose rows.

    Raises
    ------
    ValueError if `share` is not in [0, 1].

    Examples
    --------
    >>> sum(is_asked(f"{row:032x}", share=0.02, salt="flights") for row in range(10_000))
    208
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share is from 0 to 1, got {share}")
    keyed = hashlib.sha256(f"{len(salt)}:{salt}{prediction_id}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(keyed[:8], "big") < share * 2.0**64
