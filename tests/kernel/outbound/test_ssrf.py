"""SSRF filter: special addresses, alternative spellings, malformed URLs, ports, allowances."""

from __future__ import annotations

import threading
from ipaddress import ip_address
from typing import Any

import pytest

from app.kernel.outbound import ssrf

#: Special addresses, and a part of the rule that refuses each.
SPECIAL_ADDRESSES = {
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


#: Spellings of 127.0.0.1 and other addresses that only some parsers accept.
ALTERNATIVE_SPELLINGS = [
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


MALFORMED_URLS = [
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


REFUSED_PORTS = [22, 25, 53, 80, 111, 3306, 5432, 6379, 8000, 9200, 65535]


def refused(url: str, allowances: ssrf.Allowances = ()) -> str:
    with pytest.raises((ssrf.Refused, ssrf.Unresolved)) as caught:
        ssrf.resolve_target(ssrf.parse_target(url), allowances)
    return str(caught.value)


@pytest.mark.parametrize(("host", "rule"), SPECIAL_ADDRESSES.items())
def test_special_addresses_are_refused_and_the_rule_is_named(host: str, rule: str) -> None:
    assert rule in refused(f"https://{host}/hooks")


@pytest.mark.parametrize("host", SPECIAL_ADDRESSES)
def test_names_that_resolve_to_special_addresses_are_refused(host: str, dns: dict[str, list[str]]) -> None:
    address = str(ip_address(host.strip("[]")))
    dns["erp.example.com"] = [address]
    assert refused("https://erp.example.com/").startswith(f"erp.example.com leads to {address}, which is refused:")


@pytest.mark.parametrize("url", ALTERNATIVE_SPELLINGS)
def test_alternative_spellings_of_addresses_are_refused(url: str) -> None:
    assert refused(url)


@pytest.mark.parametrize("url", MALFORMED_URLS)
def test_malformed_urls_are_refused(url: str, dns: dict[str, list[str]]) -> None:
    assert refused(url)


@pytest.mark.parametrize("port", REFUSED_PORTS)
def test_other_ports_are_refused(port: int) -> None:
    assert refused(f"https://8.8.8.8:{port}/").startswith(f"Port {port} is refused")


def test_plain_http_is_refused() -> None:
    assert "https://" in refused("http://8.8.8.8:443/")


def test_a_name_with_one_private_address_is_refused(dns: dict[str, list[str]]) -> None:
    dns["erp.example.com"] = ["8.8.8.8", "10.0.0.5"]
    assert "10.0.0.5" in refused("https://erp.example.com/")


def test_a_name_that_does_not_resolve_is_refused(dns: dict[str, list[str]]) -> None:
    assert refused("https://erp.example.com/") == "erp.example.com does not resolve."


def test_resolution_has_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(ssrf, "RESOLVE_SECONDS", 0.05)
    monkeypatch.setattr(ssrf.socket, "getaddrinfo", lambda *_a, **_k: hanging.wait(5))
    assert "could not be resolved within" in refused("https://erp.example.com/")
    hanging.set()


def test_hanging_resolutions_do_not_delay_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def look_up(host: str, *_args: Any, **_kwargs: Any) -> list[Any]:
        if host == "slow.example.com":
            released.wait(10)
        return [(0, 0, 0, "", ("8.8.8.8", 443))]

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", look_up)
    hanging = [threading.Thread(target=ssrf.resolve_host, args=("slow.example.com", 443)) for _ in range(64)]
    for thread in hanging:
        thread.start()
    assert ssrf.resolve_host("erp.example.com", 443) == ["8.8.8.8"]
    released.set()
    for thread in hanging:
        thread.join()


@pytest.mark.parametrize(
    "url", ["https://8.8.8.8/", "https://8.8.8.8:8443/x?y=1", "https://[2606:4700::1111]/", "HTTPS://8.8.8.8/"]
)
def test_public_addresses_are_allowed(url: str) -> None:
    assert ssrf.resolve_target(ssrf.parse_target(url), ()) in {"8.8.8.8", "2606:4700::1111"}


def test_an_allowance_permits_only_its_network_and_port() -> None:
    allowances = [{"cidr": "10.1.2.0/24", "port": 8080}]
    assert ssrf.resolve_target(ssrf.parse_target("http://10.1.2.3:8080/"), allowances) == "10.1.2.3"
    assert "private" in refused("http://10.1.2.3:8081/", allowances)
    assert "private" in refused("http://10.1.3.3:8080/", allowances)
