"""Digests name content, whatever the order of keys."""

from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.digests import digest_of, sha256_hex, short_digest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_the_digest_of_bytes_is_sha256_of_fips_180() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_hex(b"abc") == expected


@given(st.dictionaries(st.text(), VALUES))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


@given(VALUES)
def test_a_short_digest_is_the_beginning_of_the_long_one(value: object) -> None:
    assert digest_of(value).startswith(short_digest(value, length=12))


def test_other_values_have_other_digests() -> None:
    values: list[object] = [[], {}, "", 0, None, [[]], ["a"], "a"]
    assert len({digest_of(value) for value in values}) == 8
