"""Merkle trees: the known roots of RFC 9162's predecessors, and each inclusion proof leads to the root."""

from __future__ import annotations

import hashlib

import pytest

from app.evidence.merkle import MerkleTree
from app.evidence.record_bytes import leaf_hash, node_hash

#: The reference data of Certificate Transparency implementations, and its roots for 1 to 8 leaves.
LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_other_implementations(size: int) -> None:
    assert MerkleTree([leaf_hash(leaf) for leaf in LEAVES[:size]]).root == ROOTS[size - 1]


def test_the_hash_of_a_record_has_a_prefix() -> None:
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").hexdigest()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 100])
def test_each_proof_leads_to_the_root(size: int) -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(size)]
    tree = MerkleTree(leaves)
    for index in range(size):
        assert walk(leaves[index], index, size, tree.inclusion_path(index)) == tree.root


def walk(leaf: str, index: int, size: int, path: list[str]) -> str:
    """The root that a proof leads to, by the steps of RFC 9162, section 2.1.3.2."""
    last, found = size - 1, leaf
    for step in path:
        if index % 2 or index == last:
            found = node_hash(step, found)
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            found = node_hash(found, step)
        index, last = index // 2, last // 2
    return found
