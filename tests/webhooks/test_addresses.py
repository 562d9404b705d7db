"""Where webhooks may not go, in all spellings, and how that is explained."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.webhooks.sender import http_client, ssrf
from tests.webhooks.fixtures import ENDPOINTS, deliveries
from tests.webhooks.receivers import Receiver

Make = Callable[..., Any]

#: Addresses, and a word of the rule that refuses each.
SPECIAL = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "0.0.0.0": "this network",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "CGNAT",
    "100.100.100.200": "metadata",
    "169.254.169.254": "metadata",
    "168.63.129.16": "metadata",
    "169.254.1.1": "link-local",
    "192.0.0.192": "protocol assignments",
    "192.0.2.1": "documentation",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "192.88.99.1": "6to4",
    "198.18.0.1": "benchmarks",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "[::]": "unspecified",
    "[::1]": "loopback",
    "[0:0:0:0:0:0:0:1]": "loopback",
    "[0000:0000:0000:0000:0000:0000:0000:0001]": "loopback",
    "[::127.0.0.1]": "IPv4 within IPv6",
    "[::7f00:1]": "IPv4 within IPv6",
    "[::ffff:127.0.0.1]": "mapped",
    "[::ffff:7f00:1]": "mapped",
    "[::ffff:169.254.169.254]": "mapped",
    "[::ffff:8.8.8.8]": "mapped",
    "[64:ff9b::7f00:1]": "NAT64",
    "[64:ff9b::10.0.0.1]": "NAT64",
    "[64:ff9b:1::1]": "NAT64",
    "[100::1]": "discarded",
    "[2001::1]": "Teredo",
    "[2001:20::1]": "protocol assignments",
    "[2001:db8::1]": "documentation",
    "[2002:7f00:1::]": "6to4",
    "[2002:a00:1::1]": "6to4",
    "[3fff::1]": "documentation",
    "[5f00::1]": "special use",
    "[fc00::1]": "private",
    "[fd00:ec2::254]": "metadata",
    "[fe80::1]": "link-local",
    "[fec0::1]": "site-local",
    "[ff02::1]": "multicast",
    "[4000::1]": "outside the public part",
}
#: Ways to write 127.0.0.1 and others that only some parsers understand.
ODD = [
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://１２７.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://[fe80::1%25eth0]/",
    "https://[::1%251]/",
    "https://[::ffff:127.0.0.1%250]/",
]
MALFORMED = [
    "",
    "erp",
    "//erp.example.com/",
    "ftp://erp.example.com/",
    "file:///etc/passwd",
    "gopher://erp.example.com/",
    "javascript:alert(1)",
    "https://",
    "https:///hooks",
    "https://user@8.8.8.8/",
    "https://user:password@8.8.8.8/",
    "https://8.8.8.8@127.0.0.1/",
    "https://8.8.8.8\\@127.0.0.1/",
    "https://127.0.0.1\\.example.com/",
    "https://8.8.8.8/#fragment",
    "https://8.8.8.8#@127.0.0.1/",
    "https://8.8.8.8:0/",
    "https://8.8.8.8:-1/",
    "https://8.8.8.8:65536/",
    "https://8.8.8.8:port/",
    "https://8.8.8.8 /",
    "https://8.8.8.8/\r\nX-Evil: 1",
    "https://8.8.8.8/\tx",
    "https://8.8.8.8\n.example.com/",
    "https://[::1/",
    "https://8.8.8.8/\x7f",
    "https://8.8.8.8/" + "x" * 2000,
    "https://[v1.fe80::1]/",
    "https://" + "a" * 64 + ".example.com/",
]
PORTS = [22, 25, 53, 80, 111, 3306, 5432, 6379, 8000, 9200, 65535]


def refused(url: str, allowances: ssrf.Allowances = ()) -> str:
    with pytest.raises((ssrf.Refused, ssrf.Unresolved)) as caught:
        ssrf.resolve_target(ssrf.parse_target(url), allowances)
    return str(caught.value)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to."""
    known: dict[str, list[str]] = {}

    def lookup(host: str, port: int, **_kwargs: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", lookup)
    return known


class TestRules:
    @pytest.mark.parametrize(("host", "rule"), SPECIAL.items())
    def test_special_addresses_are_refused_by_name_of_the_rule(self, host: str, rule: str) -> None:
        assert rule in refused(f"https://{host}/hooks")

    @pytest.mark.parametrize("host", SPECIAL)
    def test_names_that_lead_to_them_are_refused_with_what_they_lead_to(
        self, host: str, names: dict[str, list[str]]
    ) -> None:
        address = str(ip_address(host.strip("[]")))
        names["erp.example.com"] = [address]
        assert refused("https://erp.example.com/").startswith(f"erp.example.com leads to {address}, which is refused:")

    @pytest.mark.parametrize("url", ODD)
    def test_odd_spellings_are_refused(self, url: str) -> None:
        assert refused(url)

    @pytest.mark.parametrize("url", MALFORMED)
    def test_malformed_addresses_are_refused(self, url: str, names: dict[str, list[str]]) -> None:
        assert refused(url)

    @pytest.mark.parametrize("port", PORTS)
    def test_other_ports_are_refused(self, port: int) -> None:
        assert refused(f"https://8.8.8.8:{port}/").startswith(f"Port {port} is refused")

    def test_plain_http_is_refused(self) -> None:
        assert "https://" in refused("http://8.8.8.8:443/")

    def test_one_bad_address_among_good_ones_refuses_the_name(self, names: dict[str, list[str]]) -> None:
        names["erp.example.com"] = ["8.8.8.8", "10.0.0.5"]
        assert "10.0.0.5" in refused("https://erp.example.com/")

    def test_a_name_that_leads_nowhere_says_so(self, names: dict[str, list[str]]) -> None:
        assert refused("https://erp.example.com/") == "erp.example.com does not resolve."

    def test_a_resolver_that_hangs_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hanging = threading.Event()
        monkeypatch.setattr(ssrf, "RESOLVE_SECONDS", 0.05)
        monkeypatch.setattr(ssrf.socket, "getaddrinfo", lambda *_a, **_k: hanging.wait(5))
        assert "could not be resolved within" in refused("https://erp.example.com/")
        hanging.set()

    def test_names_whose_resolver_hangs_do_not_delay_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()

        def look_up(host: str, *_args: Any, **_kwargs: Any) -> list[Any]:
            if host == "slow.example.com":
                released.wait(10)
            return [(0, 0, 0, "", ("8.8.8.8", 443))]

        monkeypatch.setattr(ssrf.socket, "getaddrinfo", look_up)
        hanging = [threading.Thread(target=ssrf.resolve_host, args=("slow.example.com", 443)) for _ in range(64)]
        for asking in hanging:
            asking.start()
        assert ssrf.resolve_host("erp.example.com", 443) == ["8.8.8.8"]
        released.set()
        for asking in hanging:
            asking.join()

    @pytest.mark.parametrize(
        "url", ["https://8.8.8.8/", "https://8.8.8.8:8443/x?y=1", "https://[2606:4700::1111]/", "HTTPS://8.8.8.8/"]
    )
    def test_public_addresses_are_allowed(self, url: str) -> None:
        assert ssrf.resolve_target(ssrf.parse_target(url), ()) in {"8.8.8.8", "2606:4700::1111"}

    def test_an_allowance_opens_its_network_and_port_and_no_other(self) -> None:
        allowances = [{"cidr": "10.1.2.0/24", "port": 8080}]
        assert ssrf.resolve_target(ssrf.parse_target("http://10.1.2.3:8080/"), allowances) == "10.1.2.3"
        assert "private" in refused("http://10.1.2.3:8081/", allowances)
        assert "private" in refused("http://10.1.3.3:8080/", allowances)


class TestSaving:
    def test_a_refused_address_is_explained(self, manager: FlaskClient, names: dict[str, list[str]]) -> None:
        names["erp.example.com"] = ["10.0.0.5"]
        answer = manager.post(ENDPOINTS, json={"url": "https://erp.example.com/hooks", "events": ["*"]})
        assert answer.status_code == 422
        sentence = (
            "erp.example.com leads to 10.0.0.5, which is refused: private network (RFC 1918), 10.0.0.0/8. "
            "An admin may allow it for this endpoint."
        )
        assert answer.json == {"message": sentence, "errors": {"url": [sentence]}}

    def test_a_changed_address_is_judged_again(self, manager: FlaskClient) -> None:
        made = manager.post(ENDPOINTS, json={"url": "https://8.8.8.8/", "events": ["*"]}).json
        answer = manager.patch(f"{ENDPOINTS}/{made['id']}", json={"url": "https://127.0.0.1/"})
        assert answer.status_code == 422
        assert "loopback" in answer.json["message"]

    def test_only_admins_allow_addresses_and_it_is_audited(
        self, manager: FlaskClient, admin: FlaskClient, names: dict[str, list[str]]
    ) -> None:
        made = manager.post(ENDPOINTS, json={"url": "https://8.8.8.8/", "events": ["*"]}).json
        address = f"{ENDPOINTS}/{made['id']}"
        change = {"url": "http://10.1.2.3:8080/", "allowances": [{"cidr": "10.1.2.0/24", "port": 8080}]}
        answer = manager.patch(address, json=change)
        assert (answer.status_code, answer.json["error"]) == (403, "ADMIN_ONLY")
        answer = admin.patch(address, json=change)
        assert (answer.status_code, answer.json["url"]) == (200, "http://10.1.2.3:8080/")
        entry = db.session.scalars(db.select(AuditEntry).where(AuditEntry.action.like("%allowances_changed"))).one()
        assert entry.details["after"] == [{"cidr": "10.1.2.0/24", "port": 8080}]

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-A": "b\r\nX-Evil: 1"},
            {"X-A": "b\nX-Evil: 1"},
            {"X-A\r\nX-Evil": "1"},
            {"X A": "1"},
            {"": "1"},
            {"X-A": ""},
            {"X-A": "\x00"},
            {"X-A": "ä"},
            {"X-A": "x" * 1001},
            {"X-Webhook-Signature": "mine"},
            {"webhook-id": "mine"},
            {"HOST": "evil"},
            {"Content-Length": "1"},
            {"Transfer-Encoding": "chunked"},
            {"X-A": "1", "x-a": "2"},
            {"X-A": 1},
            ["X-A"],
            {f"X-{number}": "1" for number in range(21)},
        ],
        ids=str,
    )
    def test_headers_that_break_out_or_override_ours_are_refused(self, manager: FlaskClient, headers: Any) -> None:
        answer = manager.post(ENDPOINTS, json={"url": "https://8.8.8.8/", "events": ["*"], "headers": headers})
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["headers"]


class TestConnecting:
    def test_a_name_that_has_turned_to_a_private_address_is_refused_when_connecting(
        self, receiver: Receiver, subscribe: Make, happen: Make, send: Make, names: dict[str, list[str]]
    ) -> None:
        names["erp.example.com"] = ["127.0.0.1"]
        url = f"http://erp.example.com:{receiver.port}/hooks"
        subscribe(url)
        names["erp.example.com"] = ["10.0.0.5"]
        happen()
        send()
        (delivery,) = deliveries()
        assert (delivery.state, receiver.requests) == ("pending", [])
        assert delivery.error.startswith("erp.example.com leads to 10.0.0.5, which is refused")

    def test_the_name_is_asked_once_and_the_answer_is_where_it_goes(
        self, *, receiver: Receiver, subscribe: Make, happen: Make, send: Make, names: dict[str, list[str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        names["erp.example.com"] = ["127.0.0.1"]
        subscribe(f"http://erp.example.com:{receiver.port}/hooks")
        asked = []
        lookup = ssrf.socket.getaddrinfo

        def rebinding(host: str, *args: Any, **kwargs: Any) -> Any:
            if host == "erp.example.com":
                asked.append(host)
                names[host] = ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.5"]
            elif host == "127.0.0.1":
                return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", args[0]))]
            return lookup(host, *args, **kwargs)

        monkeypatch.setattr(ssrf.socket, "getaddrinfo", rebinding)
        happen()
        send()
        assert asked == ["erp.example.com"]
        (request,) = receiver.requests
        assert request["Host"] == f"erp.example.com:{receiver.port}"

    def test_the_environments_proxy_and_netrc_are_not_used(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login a password b\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/")
        answer = post(receiver)
        assert answer.is_success
        assert "authorization" not in receiver.requests[0].headers

    def test_cookies_of_a_receiver_do_not_come_back(self, receiver_with: Make) -> None:
        receiver = receiver_with(lambda _request: (200, {"Set-Cookie": "a=b"}, b""))
        post(receiver)
        post(receiver)
        assert "cookie" not in receiver.requests[1].headers

    def test_a_closed_port_says_so(self, receiver_with: Make) -> None:
        receiver = receiver_with()
        receiver.close()
        assert post(receiver).error == "The connection was refused."

    def test_an_error_names_no_secret_of_the_address(self, receiver_with: Make) -> None:
        port = receiver_with().port
        allowances = [{"cidr": "127.0.0.0/8", "port": port}]
        answer = http_client.post(f"https://127.0.0.1:{port}/h?token=hush", b"{}", {}, allowances)
        assert (answer.error or "").startswith("TLS failed: ")
        assert "hush" not in (answer.error or "")


def post(receiver: Receiver, **facts: Any) -> http_client.ReceiverResponse:
    allowances = [{"cidr": "127.0.0.0/8", "port": receiver.port}]
    return http_client.post(receiver.url, b"{}", {"Content-Type": "application/json"}, allowances, **facts)


def dripping(part: str) -> Callable[[Any], None]:
    """Answers a byte at a time: the whole answer, or the body behind proper headers."""

    def drip(request: Any) -> None:
        out = request.handler.wfile
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        if part == "body":
            out.write(head)
        try:
            for byte in head * 100 if part == "head" else b"x" * 1000:
                out.write(bytes([byte]))
                out.flush()
                time.sleep(0.02)
        except OSError:
            return

    return drip


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield listening.getsockname()[1]


class TestDeadline:
    def test_it_is_15_seconds(self) -> None:
        assert http_client.HTTP_DEADLINE == 15

    @pytest.mark.parametrize("part", ["head", "body"])
    def test_a_receiver_that_drips_is_cut_off_at_the_deadline(self, receiver_with: Make, part: str) -> None:
        began = time.monotonic()
        answer = post(receiver_with(dripping(part)), deadline=0.3)
        assert answer.error == "No complete answer within 0.3 seconds."
        assert time.monotonic() - began < 1.5

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_receiver_that_says_nothing_is_cut_off(
        self, silent: int, scheme: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http_client, "CONNECT_SECONDS", 0.3)
        monkeypatch.setattr(http_client._CONFIG, "default_timeout", (0.3, 15))
        began = time.monotonic()
        allowances = [{"cidr": "127.0.0.0/8", "port": silent}]
        answer = http_client.post(f"{scheme}://127.0.0.1:{silent}/", b"{}", {}, allowances, deadline=0.4)
        assert answer.status is None
        assert answer.error
        assert time.monotonic() - began < 1.5

    @pytest.mark.parametrize("status", [200, 302])
    def test_no_more_than_64_kib_are_read(self, receiver_with: Make, status: int) -> None:
        sent = []

        def flood(request: Any) -> None:
            out = request.handler.wfile
            out.write(b"HTTP/1.1 %d OK\r\nLocation: /\r\nContent-Length: 100000000\r\n\r\n" % status)
            try:
                for _ in range(1500):
                    out.write(b"x" * 65536)
                    sent.append(1)
            except OSError:
                return

        began = time.monotonic()
        answer = post(receiver_with(flood))
        assert (answer.status, len(answer.body or "")) == (status, 2048)
        assert time.monotonic() - began < 5
        assert len(sent) < 1500

    def test_a_compressed_answer_is_not_unpacked(self, receiver_with: Make) -> None:
        bomb = gzip.compress(b"0" * 10_000_000)
        answer = post(receiver_with(lambda _request: (200, {"Content-Encoding": "gzip"}, bomb)))
        assert answer.status == 200
        assert len(answer.body or "") <= 2048
