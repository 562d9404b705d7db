"""Signatures, verified by the official libraries and the test vectors in the documentation."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.kernel.outbound.shared_secret import generate_secret
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import service as endpoints
from app.webhooks.sender import signatures
from tests.webhooks.receivers import Receiver

Make = Callable[..., Any]
NODE = shutil.which("node")
ROOT = Path(__file__).resolve().parents[3]
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def verify_in_javascript(requests: list[dict[str, Any]]) -> list[str]:
    script = Path(__file__).with_name("verify.cjs")
    done = subprocess.run(
        [NODE or "node", script], input=json.dumps(requests), capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@needs_node
def test_the_official_javascript_library_verifies_sent_requests(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    endpoint = subscribe(receiver)
    create_einvoices(buyer={"name": "Ayşe Yılmaz 😀"})
    send()
    with unit_of_work():
        rotated = endpoints.rotate(endpoint.id, 24, None, actor="test").secret
    create_einvoices()
    send()
    first, second = ({"headers": request.headers, "body": request.body.decode()} for request in receiver.requests)
    assert verify_in_javascript(
        [
            {**first, "secret": endpoint.secret},
            {**second, "secret": endpoint.secret},
            {**second, "secret": rotated},
            {**first, "secret": rotated},
            {**first, "secret": endpoint.secret, "body": first["body"] + " "},
        ]
    ) == ["verified", "verified", "verified", "No matching signature found", "No matching signature found"]


@pytest.fixture
def vector() -> dict[str, str]:
    """Names and values of the published test vector, read from the table in the documentation."""
    page = (ROOT / "docs" / "webhooks.md").read_text()
    section = page.partition("## Test vectors")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| ([\w -]+?) \| `(.+)` \|$", section, re.M))


class TestVectors:
    def test_the_hub_computes_the_published_signatures(self, vector: dict[str, str]) -> None:
        moment = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
        headers = signatures.signature_headers([vector["secret"]], UUID(vector["id"]), moment, vector["body"])
        assert headers["X-Webhook-Signature"] == vector["X-Webhook-Signature"]
        assert headers["webhook-signature"] == vector["webhook-signature"]
        assert json.loads(vector["body"])["id"] == vector["id"]

    def test_the_documents_signature_is_an_hmac_of_timestamp_and_body(self, vector: dict[str, str]) -> None:
        signed = f"{vector['timestamp']}.{vector['body']}".encode()
        expected = hmac.new(vector["secret"].encode(), signed, hashlib.sha256).hexdigest()
        assert expected == vector["X-Webhook-Signature"]

    @needs_node
    def test_the_official_javascript_library_computes_the_published_signature(self, vector: dict[str, str]) -> None:
        request = {
            "secret": vector["secret"],
            "headers": {"webhook-id": vector["id"]},
            "body": vector["body"],
            "signed": int(vector["timestamp"]),
        }
        assert verify_in_javascript([request]) == [vector["webhook-signature"]]


def test_secrets_have_256_bits_and_are_unique() -> None:
    made = {generate_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in made)
