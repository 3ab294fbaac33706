import hashlib
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.records.head import Head


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def place_of(key: str) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest()[:3], 16)


def written_out(pairs: dict[str, bytes]) -> bytes:
    """The root computed from nothing, all 4096 buckets and every level of the tree, as the module's docstring says it."""
    buckets: list[bytes] = [b"\x00"] * 4096
    for key, value in sorted(pairs.items()):
        name = key.encode()
        pair = len(name).to_bytes(4, "big") + name + len(value).to_bytes(4, "big") + value
        buckets[place_of(key)] += pair
    level = [sha(bucket) for bucket in buckets]
    while len(level) > 1:
        level = [sha(b"\x01" + left + right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def head_of(pairs: dict[str, bytes]) -> Head:
    head = Head()
    for key, value in pairs.items():
        head = head.put(key, value)
    return head


def two_keys_of_one_bucket() -> tuple[str, str]:
    other = next(f"key-{number}" for number in count(1) if place_of(f"key-{number}") == place_of("key-0"))
    return "key-0", other


contents = st.dictionaries(st.text(max_size=6), st.binary(max_size=6), max_size=6)


def test_an_empty_head_is_the_tree_of_empty_buckets():
    assert Head().root == written_out({})


@settings(max_examples=15, deadline=None)
@given(contents)
def test_the_root_is_that_of_the_tree_written_out(pairs: dict[str, bytes]):
    assert head_of(pairs).root == written_out(pairs)


def test_keys_that_share_a_bucket_are_both_in_the_root_whichever_came_first():
    first, second = two_keys_of_one_bucket()
    pairs = {first: b"1", second: b"2"}
    assert head_of(pairs).root == head_of(dict(reversed(pairs.items()))).root == written_out(pairs)
    assert head_of(pairs).put(first, None).root == written_out({second: b"2"})


@settings(max_examples=40)
@given(contents, st.randoms())
def test_the_order_of_puts_means_nothing(pairs: dict[str, bytes], chance):
    shuffled = list(pairs.items())
    chance.shuffle(shuffled)
    assert head_of(dict(shuffled)).root == head_of(pairs).root


@settings(max_examples=40)
@given(contents, st.text(max_size=6), st.binary(max_size=6))
def test_a_key_that_was_removed_was_never_there(pairs: dict[str, bytes], key: str, value: bytes):
    without = {other: held for other, held in pairs.items() if other != key}
    assert head_of(pairs).put(key, value).put(key, None).root == head_of(without).root


@settings(max_examples=40)
@given(contents, contents)
def test_two_sets_that_differ_have_roots_that_differ(pairs: dict[str, bytes], others: dict[str, bytes]):
    assert (head_of(pairs).root == head_of(others).root) == (pairs == others)


def test_the_last_value_of_a_key_counts():
    assert head_of({"a": b"1"}).put("a", b"2").root == head_of({"a": b"2"}).root != head_of({"a": b"1"}).root


def test_no_value_at_all_is_another_thing_than_an_empty_one():
    assert Head().put("a", b"").root != Head().root


def test_a_new_head_leaves_the_old_one_as_it_was():
    old = head_of({"a": b"1"})
    before = old.root
    old.put("a", b"2")
    old.put("b", b"3")
    assert old.root == before


@settings(max_examples=15, deadline=None)
@given(contents, contents)
def test_heads_are_equal_exactly_if_they_hold_the_same(some: dict[str, bytes], others: dict[str, bytes]):
    assert (head_of(some) == head_of(others)) is (some == others)
    assert hash(head_of(some)) == hash(head_of(dict(reversed(some.items()))))
