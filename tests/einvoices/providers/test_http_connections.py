"""Requests of accounts go to the address that was checked, at every request, and end at their deadline."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.einvoices.providers import http_provider
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest
from app.kernel.outbound import ssrf
from tests.certificates import Authority
from tests.einvoices.providers.provider_server import running_store

DOCUMENT = {"id": 1, "invoice_no": "EA-2026-000001"}


def request_to(host: str, port: int, **facts: Any) -> ProviderRequest:
    allowed = [{"cidr": "127.0.0.0/8", "port": port}]
    return ProviderRequest(DOCUMENT, "a key", f"http://{host}:{port}/take", "", allowances=allowed, **facts)


def answers(*addresses: str) -> Callable[..., list[Any]]:
    """A name server that gives each answer once, and the last one for ever; an address is its own answer."""
    left = list(addresses)

    def look_up(host: str, port: int, *_args: Any, **_options: Any) -> list[Any]:
        if host[0].isdigit():
            return [(2, 1, 6, "", (host, port))]
        return [(2, 1, 6, "", (left.pop(0) if len(left) > 1 else left[0], port))]

    return look_up


def test_it_connects_to_the_checked_address_and_keeps_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_store() as store:
        # A second look-up would lead elsewhere.
        monkeypatch.setattr(ssrf.socket, "getaddrinfo", answers("127.0.0.1", "10.0.0.1"))
        assert http_provider.post(request_to("provider.example.com", store.server_port)).provider_status == "accepted"
        assert list(store.stored.values()) == ["EA-2026-000001"]


def test_a_name_that_leads_inside_now_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssrf.socket, "getaddrinfo", answers("10.0.0.5"))
    request = ProviderRequest(DOCUMENT, "a key", "https://provider.example.com/", "", allowances=[])
    with pytest.raises(ProviderRejected, match="private network") as caught:
        http_provider.post(request)
    assert (caught.value.permanent, caught.value.in_doubt) == (True, False)


def test_a_name_that_does_not_resolve_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> list[Any]:
        raise OSError

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", fail)
    request = ProviderRequest(DOCUMENT, "a key", "https://provider.example.com/", "", allowances=[])
    with pytest.raises(ProviderRejected, match="does not resolve") as caught:
        http_provider.post(request)
    assert (caught.value.permanent, caught.value.in_doubt) == (False, False)


@contextmanager
def dripping(tls: ssl.SSLContext | None = None, before_handshake: float = 0.0) -> Iterator[int]:
    """A provider that answers one byte of its headers at a time, for ever; over TLS it may greet late."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopped = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    drip(connection)
                except OSError:
                    return

        def drip(connection: socket.socket) -> None:
            stopped.wait(before_handshake)
            line = tls.wrap_socket(connection, server_side=True) if tls else connection
            while not stopped.wait(0.05):
                line.sendall(b"H")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped.set()
            thread.join()


class TestDeadline:
    def test_an_answer_that_drips_ends_in_doubt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http_provider, "HTTP_DEADLINE", 0.5)
        with dripping() as port:
            started = time.monotonic()
            with pytest.raises(ProviderRejected, match=r"did not answer completely within 0\.5 seconds") as caught:
                http_provider.post(request_to("127.0.0.1", port))
        assert time.monotonic() - started < 2
        assert (caught.value.permanent, caught.value.in_doubt) == (False, True)

    def test_the_time_of_name_resolution_and_handshake_counts(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """The parts are each shorter than the deadline, and together longer; then the provider would drip for ever."""
        monkeypatch.setattr(http_provider, "HTTP_DEADLINE", 1.5)
        authority, resolve = Authority(tmp_path), ssrf.resolve_host

        def resolve_slowly(host: str, port: int) -> list[str]:
            time.sleep(0.8)
            return resolve(host, port)

        monkeypatch.setattr(ssrf, "resolve_host", resolve_slowly)
        with dripping(authority.server_context(), before_handshake=1.0) as port:
            request = request_to("127.0.0.1", port, ca_file=authority.file)
            request, started = replace(request, url=request.url.replace("http:", "https:")), time.monotonic()
            with pytest.raises(ProviderRejected, match=r"within 1\.5 seconds") as caught:
                http_provider.post(request)
            assert time.monotonic() - started < 2.5
        assert (caught.value.permanent, caught.value.in_doubt) == (False, False)


def test_an_address_of_the_settings_may_have_several_ip_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_store() as store:
        monkeypatch.setattr(ssrf, "resolve_host", lambda *_target: ["127.0.0.9", "127.0.0.1"])
        url = f"http://provider.example.com:{store.server_port}/take"
        assert http_provider.post(ProviderRequest(DOCUMENT, "a key", url, "")).provider_status == "accepted"


class TestCheck:
    @pytest.mark.parametrize(("code", "passes"), [(404, True), (401, False), (403, False), (503, False)])
    def test_the_look_up_tells(self, code: int, passes: bool) -> None:
        with running_store() as store:
            store.lookup_code = code
            request = request_to("127.0.0.1", store.server_port, lookup_url=f"{store.url}/find")
            if passes:
                http_provider.check(request)
            else:
                with pytest.raises(ProviderRejected, match=f"answered {code}"):
                    http_provider.check(request)
            assert not store.received

    def test_a_look_up_that_finds_what_nobody_sent_does_not_pass(self) -> None:
        with running_store() as store:
            store.lookup_code = 200
            request = request_to("127.0.0.1", store.server_port, lookup_url=f"{store.url}/find")
            with pytest.raises(ProviderRejected, match="nobody sent"):
                http_provider.check(request)

    def test_without_a_look_up_head_tells(self) -> None:
        with running_store() as store:
            with pytest.raises(ProviderRejected, match="answered 501"):  # this provider knows no HEAD
                http_provider.check(request_to("127.0.0.1", store.server_port))
            store.RequestHandlerClass.do_HEAD = lambda handler: handler._answer(405, "x")  # type: ignore[attr-defined]
            try:
                http_provider.check(request_to("127.0.0.1", store.server_port))
            finally:
                del store.RequestHandlerClass.do_HEAD  # type: ignore[attr-defined]
            assert not store.received

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(ProviderRejected, match="does not answer"):
            http_provider.check(request_to("127.0.0.1", port))
