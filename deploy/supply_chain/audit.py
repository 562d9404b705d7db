"""Ask the public advisories for known vulnerabilities of the locked packages: ``audit.py``.

The exit code is 0 when there are none, 1 when there are some, and 3 when the advisories cannot be reached: the packages
are then not checked. The environment variables ``PIP_AUDIT_OSV_URL`` and ``npm_config_registry`` name mirrors.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from npm_command import NPM

CLEAN, VULNERABLE, NOT_CHECKED = 0, 1, 3
PIP_AUDIT = [sys.executable, "-m", "pip_audit", "--require-hashes"]
PIP_AUDIT += ["--requirement", "requirements.txt", "--requirement", "requirements-official.txt"]
PIP_AUDIT += ["--disable-pip", "--vulnerability-service", "osv", "--progress-spinner", "off", "--timeout", "10"]
PIP_AUDIT += ["--format", "json"]
NPM_AUDIT = [*NPM, "audit", "--json", "--omit", "dev", "--package-lock-only"]


def of_python(answer: dict[str, Any]) -> Iterator[str]:
    for package in answer["dependencies"]:
        for found in package.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def of_javascript(answer: dict[str, Any]) -> Iterator[str]:
    for name, found in answer["vulnerabilities"].items():
        yield f"{name} {found['range']}: {found['severity']}"


def answer_of(name: str, command: list[str]) -> dict[str, Any] | None:
    """The JSON answer of a command; None if it could not reach the advisories."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {}
    if "dependencies" in answer or "vulnerabilities" in answer:
        return dict(answer)
    reason = answer.get("message") or (done.stderr.strip() or "no answer").splitlines()[-1]
    print(f"NOT CHECKED: the advisories for {name} packages cannot be reached: {reason}")
    return None


def main() -> int:
    python, javascript = answer_of("Python", PIP_AUDIT), answer_of("npm", NPM_AUDIT)
    found = [*(of_python(python) if python else ()), *(of_javascript(javascript) if javascript else ())]
    for line in found:
        print(f"VULNERABLE: {line}")
    if found:
        return VULNERABLE
    if python is None or javascript is None:
        return NOT_CHECKED
    print("No known vulnerability.")
    return CLEAN


if __name__ == "__main__":
    raise SystemExit(main())
