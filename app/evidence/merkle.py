"""Merkle trees of RFC 9162: the root of a list of hashes, and the inclusion proof of one of them."""

from __future__ import annotations

from collections.abc import Sequence

from app.evidence.canonical import node_hash


def tree_root(leaves: Sequence[str]) -> str:
    """The root of a list of leaf hashes, which is not empty."""
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]))


def inclusion_path(leaves: Sequence[str], index: int) -> list[str]:
    """The hashes that lead from the leaf at ``index`` (from 0) to the root, the nearest first."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_path(leaves[:split], index), tree_root(leaves[split:])]
    return [*inclusion_path(leaves[split:], index - split), tree_root(leaves[:split])]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
