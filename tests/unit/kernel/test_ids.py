"""Identifiers: fresh ones sort by time, derived ones follow from their parts."""

from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.ids import derived_id, kind_of, new_id, new_secret

times = st.integers(0, 2**45 - 1)


@given(times, times)
def test_fresh_ids_sort_by_time(one: int, other: int) -> None:
    if one != other:
        assert (new_id(one) < new_id(other)) == (one < other)


@given(times)
def test_a_fresh_id_has_twenty_characters_fit_for_a_key(at_ms: int) -> None:
    made = new_id(at_ms)
    assert len(made) == 20
    assert set(made) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_fresh_ids_of_one_moment_differ() -> None:
    assert len({new_id(0) for _ in range(1_000)}) == 1_000


@given(st.lists(st.text(alphabet="ab/1", max_size=4)), st.lists(st.text(alphabet="ab/1", max_size=4)))
def test_derived_ids_are_equal_exactly_when_their_parts_are(one: list[str], other: list[str]) -> None:
    same = one == other or (one in ([], [""]) and other in ([], [""]))
    assert (derived_id(*one) == derived_id(*other)) == same


def test_a_secret_has_256_bits_and_is_never_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) >= 43


def test_the_kind_is_what_stands_before_the_first_slash() -> None:
    assert [kind_of(key) for key in ("mission/m1/item/a", "run/r", "alone")] == ["mission", "run", "alone"]
