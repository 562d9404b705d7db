"""Write the software bill of materials (CycloneDX) of the running hub and the list of licences: ``sbom.py FOLDER``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from npm_command import NPM

HEADER = """# Licences

The packages that a running hub is made of, with their versions and licences. `make sbom` writes this page and the
software bill of materials (CycloneDX) from the lock files. The list has the packages for Linux. The packages of
Debian (Pango, HarfBuzz and the Noto and WenQuanYi fonts) are not in it; their licences are in `/usr/share/doc`.

| package | version | licence |
| --- | --- | --- |"""
NPM_SBOM = [*NPM, "sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--omit", "dev"]
#: Prefixes of Python's classifiers.
CLASSIFIER = "License :: "
APPROVED = "OSI Approved :: "
#: Licences that the metadata of a package does not name; its documentation does.
DOCUMENTED = {"saxonche": "MPL-2.0"}


def write_python(file: Path) -> None:
    """Describe an environment with the packages of a running hub alone: .venv also has those of the tests."""
    uv = [sys.executable, "-m", "uv"]
    with tempfile.TemporaryDirectory() as folder:
        python = str(Path(folder, "hub", "bin", "python"))
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, f"{folder}/hub"], check=True)
        install = ["pip", "sync", "--quiet", "--python", python, "--require-hashes", "--only-binary", ":all:"]
        subprocess.run([*uv, *install, "requirements.txt", "requirements-official.txt"], check=True)
        describe = ["environment", "--pyproject", "pyproject.toml", "--output-reproducible", "--output-format", "JSON"]
        command = [sys.executable, "-m", "cyclonedx_py", *describe, "--validate", "--output-file", str(file), python]
        # The hub is no Python package, so the tool warns that it has no dependencies of its own.
        subprocess.run(command, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})


def write_javascript(file: Path) -> None:
    done = subprocess.run([*NPM_SBOM, "--package-lock-only"], check=True, stdout=subprocess.PIPE)
    file.write_bytes(done.stdout)


def licence(entry: dict[str, Any]) -> str:
    if "expression" in entry:
        return str(entry["expression"])
    named = entry["license"]
    return str(named.get("id") or named["name"].removeprefix(CLASSIFIER).removeprefix(APPROVED))


def row(component: dict[str, Any]) -> str:
    entries = component.get("licenses", ())
    # An SPDX identifier says more than a classifier beside it.
    exact = [entry for entry in entries if not entry.get("license", {}).get("name", "").startswith(CLASSIFIER)]
    names = dict.fromkeys(licence(entry) for entry in exact or entries)
    name = "/".join(part for part in (component.get("group"), component["name"]) if part)
    return f"| {name} | {component['version']} | {', '.join(names) or DOCUMENTED.get(component['name'], 'unknown')} |"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "python.cdx.json", folder / "javascript.cdx.json"]
    write_python(files[0])
    write_javascript(files[1])
    components = [one for file in files for one in json.loads(file.read_text())["components"]]
    rows = sorted((row(component) for component in components), key=str.lower)
    (folder / "licences.md").write_text("\n".join([HEADER, *rows, ""]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
