"""TLS: company authorities that the installation or the machine trusts, and plain words for wrong certificates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from app.kernel.http.app import Hub
from app.kernel.outbound import http_connection
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import receiver_check
from app.webhooks.sender import http_client
from tests.certificates import Authority
from tests.webhooks.fixtures import Make, deliveries
from tests.webhooks.receivers import Receiver

UNTRUSTED = "The certificate is not valid: no trusted authority has signed it."


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    http_connection._tls_context.cache_clear()
    yield Authority(tmp_path)
    http_connection._tls_context.cache_clear()


def post(receiver: Receiver, url: str = "", **facts: Any) -> http_client.ReceiverResponse:
    http_connection._thread_state.session = None  # a new session, as in a process that has just started
    allowances = [{"cidr": "127.0.0.0/8", "port": receiver.port}]
    return http_client.post(url or receiver.url, b"{}", {"Content-Type": "application/json"}, allowances, **facts)


def test_the_certificate_of_an_unknown_authority_is_refused(start_receiver: Make, authority: Authority) -> None:
    receiver = start_receiver(tls=authority.server_context())
    answer = post(receiver)
    assert (answer.error or "").startswith(UNTRUSTED)
    assert "TRUSTED_CA_FILE" in (answer.error or "")
    assert receiver.requests == []


def test_the_setting_adds_a_company_authority(start_receiver: Make, authority: Authority) -> None:
    answer = post(start_receiver(tls=authority.server_context()), ca_file=authority.file)
    assert (answer.error, answer.status) == (None, 204)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_store_of_the_machine_is_trusted(
    start_receiver: Make, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    if variable == "SSL_CERT_DIR":
        certificate = x509.load_pem_x509_certificate(authority.file.read_bytes())
        hashed = tmp_path / "store"
        hashed.mkdir()
        (hashed / f"{_openssl_hash(certificate)}.0").write_bytes(authority.file.read_bytes())
        monkeypatch.setenv(variable, str(hashed))
    else:
        monkeypatch.setenv(variable, str(authority.file))
    answer = post(start_receiver(tls=authority.server_context()))
    assert (answer.error, answer.status) == (None, 204)


def _openssl_hash(certificate: x509.Certificate) -> str:
    """OpenSSL's file name of a certificate in a folder: a hash of the name in canonical form."""
    value = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    text = str(value).lower().encode()
    attribute = b"\x06\x03\x55\x04\x03" + b"\x0c" + bytes([len(text)]) + text
    sequence = b"\x30" + bytes([len(attribute)]) + attribute
    canonical = b"\x31" + bytes([len(sequence)]) + sequence
    return f"{int.from_bytes(hashlib.sha1(canonical).digest()[:4], 'little'):08x}"


def test_public_authorities_stay_trusted_with_a_file(authority: Authority) -> None:
    public = {entry["serialNumber"] for entry in http_connection._tls_context(None).get_ca_certs()}
    with_file = {entry["serialNumber"] for entry in http_connection._tls_context(authority.file).get_ca_certs()}
    assert len(public) > 100
    assert public < with_file


@pytest.mark.parametrize(
    ("host", "days", "error"),
    [
        ("127.0.0.1", -1, "The certificate is not valid: it has expired."),
        ("10.0.0.9", 30, "The certificate is not valid: it is for another host name."),
    ],
)
def test_a_wrong_certificate_of_a_trusted_authority_is_told_in_plain_words(
    start_receiver: Make, authority: Authority, host: str, days: int, error: str
) -> None:
    receiver = start_receiver(tls=authority.server_context(host, days))
    assert post(receiver, ca_file=authority.file).error == error
    assert receiver.requests == []


def test_https_to_a_port_of_plain_http_is_told_in_plain_words(receiver: Receiver) -> None:
    answer = post(receiver, receiver.url.replace("http:", "https:"))
    assert (answer.error or "").startswith("TLS failed: the receiver does not speak TLS on this port.")


def test_plain_http_to_a_port_of_tls_is_told_in_plain_words(start_receiver: Make, authority: Authority) -> None:
    receiver = start_receiver(tls=authority.server_context())
    error = post(receiver, receiver.url.replace("https:", "http:")).error or ""
    assert error.startswith("The receiver")


def test_a_cut_body_over_tls_is_a_success(start_receiver: Make, authority: Authority) -> None:
    def cut(request: Any) -> None:
        request.handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")

    answer = post(start_receiver(cut, tls=authority.server_context()), ca_file=authority.file)
    assert (answer.is_success, answer.body) == (True, "{")


def test_deliveries_and_checks_use_the_setting(
    *, app: Hub, start_receiver: Make, authority: Authority, subscribe: Make, create_einvoices: Make, send: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(app.config, "TRUSTED_CA_FILE", authority.file)
    receiver = start_receiver(tls=authority.server_context())
    endpoint = subscribe(receiver)
    create_einvoices()
    send()
    assert [delivery.state for delivery in deliveries()] == ["delivered"]
    monkeypatch.setattr(receiver_check, "PAUSE_SECONDS", 0.01)
    with unit_of_work():
        requested = receiver_check.request_check(endpoint.id, None)
    assert receiver_check.run_due_checks() == 1
    with unit_of_work():
        report = receiver_check.find(endpoint.id, requested.id, None).report
    assert report["findings"][0]["status"] == 204
