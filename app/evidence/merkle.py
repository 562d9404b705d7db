"""Merkle trees of RFC 9162: the root of a list of hashes, and the inclusion proof of one of them."""

from __future__ import annotations

from collections.abc import Sequence

from app.evidence.record_bytes import node_hash


class MerkleTree:
    """The tree over a list of leaf hashes, which is not empty.

    Each level pairs the hashes of the level below; a last one without a partner goes up as it is. That is the tree of
    RFC 9162, which is defined from the root down.
    """

    def __init__(self, leaves: Sequence[str]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_next_level(self._levels[-1]))

    @property
    def root(self) -> str:
        return self._levels[-1][0]

    def inclusion_path(self, index: int) -> list[str]:
        """The hashes that lead from the leaf at ``index`` (from 0) to the root, the nearest first."""
        path = []
        for level in self._levels[:-1]:
            partner = index ^ 1
            if partner < len(level):
                path.append(level[partner])
            index //= 2
        return path


def _next_level(hashes: Sequence[str]) -> list[str]:
    pairs = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
    return [*pairs, hashes[-1]] if len(hashes) % 2 else pairs
