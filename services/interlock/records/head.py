"""One hash over a whole set of documents, kept up to date entry by entry.

A head lets two sides find out with 32 bytes whether they hold the same current document for every key. It is a binary SHA-256
tree over 4096 buckets; a key's bucket is the first 12 bits of SHA-256(key), and a bucket hashes its sorted, length-prefixed
pairs. The value is persistent: `put` gives a new head and leaves the old one; they share what is the same in both.

A node is hashed when somebody asks for it, and once: many entries are put for each time that a head is sent.
"""

from __future__ import annotations  # nodes hold nodes

from dataclasses import dataclass
from functools import cache

from interlock.vocabulary.identifiers import digest

LEVELS = 12


class _Node:
    """Two subtrees, of which None is an empty one, and their hash once it was asked for."""

    __slots__ = ("hashed", "left", "right")

    def __init__(self, left: _Tree, right: _Tree) -> None:
        self.left = left
        self.right = right
        self.hashed: bytes | None = None


class _Bucket:
    """The pairs of one bucket, and their hash once it was asked for."""

    __slots__ = ("hashed", "pairs")

    def __init__(self, pairs: dict[str, bytes]) -> None:
        self.pairs = pairs
        self.hashed: bytes | None = None


_Tree = _Node | _Bucket | None


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A set of key → digest pairs with one hash over all of them. Heads with one root are equal."""

    _tree: _Tree = None

    @property
    def root(self) -> bytes:
        """The hash over everything, 32 bytes."""
        return _hash(self._tree, LEVELS)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Head) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)

    def put(self, key: str, value: bytes | None) -> Head:
        """A head in which the key has the given digest; None removes the key."""
        place = int.from_bytes(digest(key.encode())[:2], "big") >> 4
        return Head(_put(self._tree, LEVELS, place, key, value))


def _put(tree: _Tree, level: int, place: int, key: str, value: bytes | None) -> _Tree:
    if level == 0:
        pairs = dict(tree.pairs) if isinstance(tree, _Bucket) else {}
        if value is None:
            pairs.pop(key, None)
        else:
            pairs[key] = value
        return _Bucket(pairs)
    left, right = (tree.left, tree.right) if isinstance(tree, _Node) else (None, None)
    if place >> (level - 1) & 1:
        return _Node(left, _put(right, level - 1, place, key, value))
    return _Node(_put(left, level - 1, place, key, value), right)


def _hash(tree: _Tree, level: int) -> bytes:
    if tree is None:
        return _empty(level)
    if tree.hashed is None:
        if isinstance(tree, _Bucket):
            tree.hashed = _bucket_hash(tree.pairs)
        else:
            tree.hashed = digest(b"\x01" + _hash(tree.left, level - 1) + _hash(tree.right, level - 1))
    return tree.hashed


def _bucket_hash(pairs: dict[str, bytes]) -> bytes:
    parts = [b"\x00"]
    for key, value in sorted(pairs.items()):
        encoded = key.encode()
        parts += [len(encoded).to_bytes(4, "big"), encoded, len(value).to_bytes(4, "big"), value]
    return digest(b"".join(parts))


@cache
def _empty(level: int) -> bytes:
    """The hash of an empty subtree; level 0 is a bucket."""
    if level == 0:
        return _bucket_hash({})
    return digest(b"\x01" + _empty(level - 1) * 2)
