import pytest

from cutroom_sdk.errors import SdkError
from cutroom_sdk.places import filled, path_of_key


def test_a_key_is_a_path_of_its_segments() -> None:
    assert path_of_key("project/a b/c#d") == "/v1/resources/project/a%20b/c%23d"
    assert path_of_key("project/...") == "/v1/resources/project/..."


@pytest.mark.parametrize("key", ["project/..", "./a", "project/../mission/m1", "project//a", "project/", ""])
def test_a_key_that_an_address_would_turn_into_another_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(SdkError) as caught:
        path_of_key(key)
    assert (caught.value.code, caught.value.extra) == ("invalid_key", {"key": key})


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_so_is_an_id(name: str) -> None:
    with pytest.raises(SdkError) as caught:
        filled("/v1/missions/{id}/events", name)
    assert caught.value.code == "invalid_request"


def test_a_slash_within_an_id_is_part_of_it() -> None:
    assert filled("/v1/missions/{id}/events", "a/b") == "/v1/missions/a%2Fb/events"
