"""The supply chain: every package is pinned with a hash and has a known licence; no secret is in the repository."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from app.accounts.tokens.format import new_public_id, new_token
from app.kernel.outbound.shared_secret import generate_secret

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted([*ROOT.glob("requirements*.txt"), *ROOT.glob("bench/*/requirements.txt")])
#: Licences under which a company may use the hub and pass it on; a new one is read before it comes in here.
LICENCES = {
    "0BSD", "Apache Software License", "Apache-2.0", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "ISC",
    "GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-3.0-only", "MIT", "MIT-0", "MIT-CMU", "MPL-1.1",
    "MPL-2.0", "PSF-2.0", "Python-2.0", "ZPL-2.1",
}  # fmt: skip
#: The hub chooses another one of the licences of the package.
NOT_CHOSEN = {("pyphen", "GPL-2.0-or-later")}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]+\])?==([^\s;\\]+)(?: ; (.*?))?(?: \\)?$", re.MULTILINE)
#: The shape of secrets, by issuer.
SECRETS = {
    "private key": rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----",
    "hub": rb"\bihub_[A-Za-z0-9]{12}_[A-Za-z0-9]{46}",
    "webhook": rb"\bwhsec_[A-Za-z0-9+/]{24,}",
    "AWS": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub": rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})",
    "GitLab": rb"\bglpat-[A-Za-z0-9_-]{20}",
    "Slack": rb"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    "Stripe": rb"\b[rs]k_live_[A-Za-z0-9]{16,}",
    "Google": rb"\bAIza[A-Za-z0-9_-]{35}\b",
    "npm": rb"\bnpm_[A-Za-z0-9]{36}\b",
    "PyPI": rb"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "JWT": rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
}
#: The sample of the Standard Webhooks specification, and the bytes 0 to 31.
SAMPLES = {b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}


def secrets_in(content: bytes) -> set[bytes]:
    return {found.group() for shape in SECRETS.values() for found in re.finditer(shape, content)} - SAMPLES


def pins_of(lock: Path) -> dict[str, tuple[str, str]]:
    """Version and marker of each package of a lock file, by its name in lower case."""
    return {name.lower(): (version, marker) for name, version, marker in PIN.findall(lock.read_text())}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_each_python_package_is_pinned_with_hashes(lock: Path) -> None:
    requirements = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", lock.read_text(), flags=re.MULTILINE).strip())
    assert requirements
    loose = [line for line in requirements if not PIN.match(line.splitlines()[0]) or "--hash=sha256:" not in line]
    assert not loose


def test_each_npm_package_is_pinned_with_a_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []
    direct = packages[""]["dependencies"] | packages[""]["devDependencies"]
    assert [name for name, version in direct.items() if not re.fullmatch(r"\d+(\.\d+)+", version)] == []


def test_the_list_of_licences_has_every_package_of_a_running_hub() -> None:
    rows = re.findall(r"^\| (\S+) \| (\d\S*) \| (.+) \|$", (ROOT / "docs" / "licences.md").read_text(), re.MULTILINE)
    listed = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version, _licence in rows}
    python = pins_of(ROOT / "requirements.txt") | pins_of(ROOT / "requirements-official.txt")
    npm = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    wanted = {re.sub(r"[-_.]+", "-", name): version for name, (version, marker) in python.items() if not marker}
    pages = {name.removeprefix("node_modules/"): one["version"] for name, one in npm.items() if not one.get("dev")}
    wanted |= {re.sub(r"[-_.]+", "-", name): version for name, version in pages.items() if name}
    assert {name: listed.get(name) for name in wanted} == wanted, "type: make sbom"
    known = wanted | {name: version for name, (version, _marker) in python.items()}
    assert set(listed) <= set(known), "type: make sbom"
    refused = {
        (name, one)
        for name, _version, licences in rows
        for one in re.split(r", | AND | OR ", licences)
        if one not in LICENCES
    }
    assert refused - NOT_CHOSEN == set()


@pytest.mark.drill
def test_no_version_of_any_file_holds_a_secret() -> None:
    objects = subprocess.run(
        ["git", "rev-list", "--all", "--objects", "--no-object-names"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    contents = subprocess.run(["git", "cat-file", "--batch"], cwd=ROOT, input=objects, capture_output=True, check=True)
    assert len(contents.stdout) > 1_000_000
    assert secrets_in(contents.stdout) == set()


def test_no_file_that_git_would_add_holds_a_secret() -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    found = {name: secrets_in((ROOT / name).read_bytes()) for name in names if (ROOT / name).is_file()}
    assert {name: secrets for name, secrets in found.items() if secrets} == {}


@pytest.mark.parametrize(
    ("issuer", "parts"),
    [
        ("private key", ["-----BEGIN RSA ", "PRIVATE KEY-----"]),
        ("hub", [new_token(new_public_id())]),
        ("webhook", [generate_secret()]),
        ("AWS", ["AKIA", "A1B2" * 4]),
        ("GitHub", ["ghp", "_", "a1B2" * 9]),
        ("GitLab", ["glpat", "-", "a1B2" * 5]),
        ("Slack", ["xoxb", "-", "1234567890-abc"]),
        ("Stripe", ["sk", "_live_", "a1B2" * 6]),
        ("Google", ["AIza", "a1B2c" * 7]),
        ("npm", ["npm", "_", "a1B2" * 9]),
        ("PyPI", ["pypi", "-AgE", "a1B2" * 15]),
        ("JWT", ["eyJ", "a1B2" * 5, ".eyJ", "a1B2" * 5, ".", "a1B2" * 10]),
    ],
)
def test_a_secret_of_each_issuer_is_found(issuer: str, parts: list[str]) -> None:
    secret = "".join(parts).encode()
    assert re.search(SECRETS[issuer], b"key = '" + secret + b"'")
    assert secrets_in(b"key = '" + secret + b"'")
