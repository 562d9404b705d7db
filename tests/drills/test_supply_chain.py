"""The commands of the supply chain: lock files, bill of materials, and the check for known vulnerabilities."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.drills.hubs import ROOT

pytestmark = pytest.mark.drill

SCRIPTS = Path("deploy", "supply_chain")


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@contextmanager
def advisories(vulnerable: str) -> Iterator[str]:
    """The advisories of both registries on loopback; they know one vulnerability of the package ``vulnerable``."""

    class Advisories(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(self._of_python(json.loads(sent)) if self.path == "/v1/query" else self._of_npm())

        def _of_python(self, asked: dict[str, Any]) -> dict[str, Any]:
            if asked["package"]["name"].lower() != vulnerable:
                return {}
            affected = {"package": {"name": vulnerable, "ecosystem": "PyPI"}, "ranges": []}
            return {"vulns": [{"id": "PYSEC-0000-1", "affected": [affected], "details": "", "summary": "A sample."}]}

        def _of_npm(self) -> dict[str, Any]:
            found = {"id": 1, "url": "https://example.com", "title": "A sample.", "severity": "high", "cwe": []}
            entry = {**found, "vulnerable_versions": ">=0", "cvss": {"score": 8, "vectorString": None}}
            return {vulnerable: [entry]} if vulnerable == "htmx.org" else {}

        def _answer(self, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_args: Any) -> None:
            """Write nothing to the output of the drill."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def audit(address: str) -> subprocess.CompletedProcess[str]:
    mirrors = {"PIP_AUDIT_OSV_URL": f"{address}/v1/query", "npm_config_registry": address}
    return run(sys.executable, str(SCRIPTS / "audit.py"), npm_config_fetch_retries="0", **mirrors)


@pytest.mark.takes_turns
@pytest.mark.parametrize("package", ["flask", "htmx.org"])
def test_a_known_vulnerability_is_named(package: str) -> None:
    with advisories(package) as address:
        done = audit(address)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"VULNERABLE: {package} " in done.stdout


@pytest.mark.takes_turns
def test_packages_without_known_vulnerabilities_pass() -> None:
    with advisories("another-package") as address:
        done = audit(address)
    assert (done.returncode, done.stdout) == (0, "No known vulnerability.\n"), done.stdout + done.stderr


@pytest.mark.takes_turns
def test_advisories_that_cannot_be_reached_are_no_clean_result() -> None:
    with advisories("flask") as address:
        closed = address
    done = audit(closed)
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stdout.count("NOT CHECKED: ") == 2


@pytest.mark.takes_turns
def test_the_lock_files_are_those_of_the_requirements(tmp_path: Path) -> None:
    """Resolved twice, from the pins of the repository, the lock files are the same, byte for byte."""
    lists = [file.relative_to(ROOT) for place in ("", "bench/*/") for file in ROOT.glob(f"{place}requirements*")]
    for name in lists:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    locks = [name for name in lists if name.suffix == ".txt"]
    assert len(locks) > len(list(ROOT.glob("requirements*.txt")))
    for _ in range(2):
        done = run("sh", str(SCRIPTS / "lock.sh"), str(tmp_path))
        assert done.returncode == 0, done.stderr
        changed = [name for name in locks if (tmp_path / name).read_bytes() != (ROOT / name).read_bytes()]
        assert changed == []


@pytest.mark.takes_turns
def test_the_bill_of_materials_has_the_packages_of_the_lock_files(tmp_path: Path) -> None:
    done = run(sys.executable, str(SCRIPTS / "sbom.py"), str(tmp_path))
    assert done.returncode == 0, done.stderr
    python = json.loads((tmp_path / "python.cdx.json").read_text())
    npm = json.loads((tmp_path / "javascript.cdx.json").read_text())
    assert python["bomFormat"] == npm["bomFormat"] == "CycloneDX"
    names = {one["name"] for one in python["components"] + npm["components"]}
    assert {"Flask", "weasyprint", "celery", "htmx.org", "lucide-static"} <= names
    assert not {"pytest", "playwright", "typescript"} & names
    if sys.version_info[:2] == (3, 11):  # the image's
        assert (tmp_path / "licences.md").read_text() == (ROOT / "docs" / "licences.md").read_text()
