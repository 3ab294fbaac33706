"""One hash over a whole set of documents, kept up to date entry by entry.

A head lets two sides find out with 32 bytes whether they hold the same current document for every key. It is a binary SHA-256
tree over 4096 buckets; a key's bucket is the first 12 bits of SHA-256(key), and a bucket hashes its sorted, length-prefixed
pairs. A change costs one bucket and twelve nodes. The value is persistent: `put` gives a new head and leaves the old one.
"""

from __future__ import annotations  # rpds maps take type parameters in annotations only

from dataclasses import dataclass
from functools import cache

from rpds import HashTrieMap

from interlock.vocabulary.identifiers import digest

LEVELS = 12
_NO_PAIRS: tuple[tuple[str, bytes], ...] = ()


def _bucket_hash(pairs: tuple[tuple[str, bytes], ...]) -> bytes:
    parts = [b"\x00"]
    for key, value in pairs:
        encoded = key.encode()
        parts += [len(encoded).to_bytes(4, "big"), encoded, len(value).to_bytes(4, "big"), value]
    return digest(b"".join(parts))


@cache
def _empty(level: int) -> bytes:
    """The hash of an empty subtree; level 0 is a bucket."""
    if level == 0:
        return _bucket_hash(_NO_PAIRS)
    return digest(b"\x01" + _empty(level - 1) * 2)


@dataclass(frozen=True, slots=True)
class Head:
    """A set of key → digest pairs with one hash over all of them."""

    _buckets: HashTrieMap[int, tuple[tuple[str, bytes], ...]] = HashTrieMap()  # noqa: RUF009 - immutable
    _nodes: HashTrieMap[tuple[int, int], bytes] = HashTrieMap()  # noqa: RUF009 - immutable

    @property
    def root(self) -> bytes:
        """The hash over everything, 32 bytes."""
        return self._node(LEVELS, 0)

    def put(self, key: str, value: bytes | None) -> Head:
        """A head in which the key has the given digest; None removes the key."""
        place = int.from_bytes(digest(key.encode())[:2], "big") >> 4
        kept = dict(self._buckets.get(place) or _NO_PAIRS)
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
        pairs = tuple(sorted(kept.items()))
        nodes = self._nodes.insert((0, place), _bucket_hash(pairs))
        head = Head(self._buckets.insert(place, pairs), nodes)
        for level in range(1, LEVELS + 1):
            left = (place >> level) * 2
            parent = digest(b"\x01" + head._node(level - 1, left) + head._node(level - 1, left + 1))
            head = Head(head._buckets, head._nodes.insert((level, place >> level), parent))
        return head

    def _node(self, level: int, place: int) -> bytes:
        return self._nodes.get((level, place)) or _empty(level)
