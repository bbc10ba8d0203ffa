"""How many whole requests are in the service at a time, and how many bytes: who finds it full is told at once."""

from serving.answers import RequestError

MOST_BYTES = 32_000_000  # of requests that wait or are answered, in this process


class Places:
    """The places for whole requests. A refusal costs a fraction of an answer, for nothing of the body is read."""

    def __init__(self, most: int, *, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self.taken = self._n_bytes = 0

    def take(self, n_bytes: int) -> None:
        """Take a place for a request of so many bytes; raises RequestError 503 if none is free."""
        if self.taken >= self._most or (self._n_bytes + n_bytes > self._most_bytes and self.taken):
            what = f"{self.taken} requests are being answered"
            raise RequestError(503, "busy", "SRV005", what, next_step="Send it again in a second.")
        self.taken += 1
        self._n_bytes += n_bytes

    def give_back(self, n_bytes: int) -> None:
        """Give back a place that was taken."""
        self.taken -= 1
        self._n_bytes -= n_bytes
