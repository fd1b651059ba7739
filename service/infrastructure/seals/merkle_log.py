"""The Merkle tree of an append-only log, and its proofs (RFC 9162, section 2.1).

Libraries were looked at: those kept up to date have proofs of a form of their own, which no other program checks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence


def leaf_hash(leaf: bytes) -> bytes:
    """Hash a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The whole subtrees of a log of ``size`` leaves, largest first: enough to append to it and to tell its root."""

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size, self.nodes = size, list(nodes)

    @classmethod
    def load(cls, size: int, stored: bytes) -> Frontier:
        """From its stored form."""
        return cls(size, (stored[at : at + 32] for at in range(0, len(stored), 32)))

    def save(self) -> bytes:
        """The stored form."""
        return b"".join(self.nodes)

    def append(self, leaf: bytes) -> None:
        """Append the hash of a leaf."""
        node, size = leaf, self.size
        while size & 1:
            node, size = _node(self.nodes.pop(), node), size >> 1
        self.nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root; of an empty log it is the hash of nothing."""
        if not self.nodes:
            return hashlib.sha256().digest()
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = _node(node, root)
        return root


def roots(leaves: Iterable[bytes], sizes: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Tell the root at each size, sizes ascending, that the log has reached."""
    frontier, given = Frontier(), iter(leaves)
    for size in sizes:
        while frontier.size < size:
            leaf = next(given, None)
            if leaf is None:
                return
            frontier.append(leaf)
        yield size, frontier.root()


class Tree:
    """All leaves of a log in memory, for proofs: what is asked twice is computed once."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self._known: dict[tuple[int, int], bytes] = {}

    def root(self, start: int, end: int) -> bytes:
        """The root over leaves ``start`` to ``end``."""
        if end - start == 1:
            return self.leaves[start]
        found = self._known.get((start, end))
        if found is None:
            middle = start + _split(end - start)
            found = self._known[start, end] = _node(self.root(start, middle), self.root(middle, end))
        return found

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path of a leaf (2.1.3.1)."""
        start, end, path = 0, size, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self.root(middle, end))
                end = middle
            else:
                path.append(self.root(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, old: int, size: int) -> list[bytes]:
        """The proof that the log of ``old`` leaves is the beginning of that of ``size`` leaves (2.1.4.1)."""
        if not 0 < old < size:
            return []
        start, end, path = 0, size, []
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self.root(middle, end))
                end = middle
            else:
                path.append(self.root(start, middle))
                start = middle
        return ([self.root(start, end)] if start else []) + path[::-1]


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << (count - 1).bit_length() - 1
