"""Places for whole requests: so many, and so many bytes of them."""

import pytest

from serving.answers import RequestError
from serving.places import Places


def test_place_is_refused_where_requests_or_their_bytes_are_too_many_and_free_again_afterwards():
    places = Places(2, most_bytes=100)
    places.take(80)
    with pytest.raises(RequestError, match="1 requests are being answered") as refused:
        places.take(21)
    places.take(20)
    with pytest.raises(RequestError):
        places.take(0)

    places.give_back(80)

    places.take(80)
    assert (refused.value.status, (b"retry-after", b"1") in refused.value.headers) == (503, True)


def test_request_that_is_larger_than_all_that_may_wait_is_taken_alone():
    places = Places(2, most_bytes=100)

    places.take(1_000)

    assert places.taken == 1
