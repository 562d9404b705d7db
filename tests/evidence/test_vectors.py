"""The vectors of ``docs/evidence.md``: the hub and the offline verifier agree with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.evidence import record_bytes as hub
from app.evidence.merkle import MerkleTree
from app.evidence.offline import hash_trees as verifier
from app.kernel import json

ROOT = Path(__file__).resolve().parents[2]
VECTORS: dict[str, Any] = json.decode((ROOT / "docs" / "examples" / "evidence_vectors.json").read_bytes())


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["value"]["kind"])
def test_records(vector: dict[str, Any]) -> None:
    raw = vector["bytes"].encode()
    assert hub.canonical(vector["value"]) == raw
    assert hub.leaf_hash(raw) == verifier.leaf_hash(raw) == vector["hash"]
    assert verifier.parse_as(raw, verifier.RECORD) == vector["value"]


def test_records_of_the_vectors_are_linked() -> None:
    hashes = [vector["hash"] for vector in VECTORS["records"]]
    assert [vector["value"]["prev"] for vector in VECTORS["records"]] == [hub.NO_HASH, *hashes[:-1]]


def test_a_sealed_content() -> None:
    sealed = VECTORS["sealed"]
    found = hub.commitment(bytes.fromhex(sealed["salt"]), sealed["content"].encode())
    assert found == verifier.commitment(sealed["salt"], sealed["content"]) == sealed["hash"]
    assert found in {vector["value"].get("sealed") for vector in VECTORS["records"]}


def test_a_root_and_its_proofs() -> None:
    hashes = [vector["hash"] for vector in VECTORS["records"]]
    root, proofs = VECTORS["root"], VECTORS["proofs"]
    tree = MerkleTree(hashes)
    assert tree.root == verifier.tree_root(hashes) == root["value"]["root"]
    assert hub.canonical(root["value"]).decode() == root["bytes"]
    assert verifier.leaf_hash(root["bytes"].encode()) == root["hash"]
    assert [tree.inclusion_path(index) for index in range(len(hashes))] == proofs
    for index, path in enumerate(proofs):
        assert verifier.root_by_proof(hashes[index], index, len(hashes), path) == tree.root
        assert verifier.root_by_proof(hashes[index - 1], index, len(hashes), path) != tree.root


@pytest.mark.parametrize(
    ("index", "size", "path"), [(0, 1, ["0" * 64]), (0, 3, []), (1, 3, ["x"]), (5, 3, ["0" * 64, "0" * 64, "0" * 64])]
)
def test_a_proof_of_a_wrong_shape_leads_nowhere(index: int, size: int, path: list[str]) -> None:
    assert verifier.root_by_proof("0" * 64, index, size, path) == ""


def test_the_samples_of_the_page_are_canonical() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text()
    samples = [part.split("```")[0].strip() for part in page.split("```json")[1:]]
    assert len(samples) == 2
    assert {samples[0], samples[1]} == {VECTORS["records"][2]["bytes"], VECTORS["root"]["bytes"]}
