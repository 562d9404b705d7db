"""Styles, scripts and icons that pages name: what comes from npm packages is there with its licence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.admin import assets, vendor_assets
from app.kernel.http.app import Hub
from app.processes import ROOT

TEMPLATES = ROOT / "app/admin/templates"


def test_every_asset_that_a_page_names_is_copied() -> None:
    pages = "\n".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    named = set(re.findall(r"asset\('vendor/([^']+)'\)", pages))
    assert named
    assert not [name for name in named if not (vendor_assets.VENDOR / name).is_file()]
    assert set(vendor_assets.FILES) <= named


def test_a_page_is_shown_when_its_scripts_have_run() -> None:
    # A click on a download ends the loading of the page, also of scripts that were still to come.
    scripts = [tag for path in TEMPLATES.rglob("*.html") for tag in re.findall(r"<script[^>]*>", path.read_text())]
    assert scripts
    assert not [tag for tag in scripts if 'blocking="render"' not in tag]


def test_every_copied_icon_is_used() -> None:
    sources = [path for path in ROOT.glob("app/admin/**/*") if path.suffix in {".py", ".html"}]
    text = "\n".join(path.read_text() for path in sources if path != Path(vendor_assets.__file__))
    assert not [name for name in vendor_assets.ICONS if not re.search(rf"[\"']{name}[\"']", text)]


def test_a_page_cannot_name_an_icon_that_is_not_copied(app: Hub) -> None:
    with app.test_request_context("/admin/"):
        assert assets.icon("check").endswith("/vendor/icons.svg#check")
        with pytest.raises(KeyError, match="no-such-icon"):
            assets.icon("no-such-icon")


def test_the_licence_of_each_package_goes_along() -> None:
    licences = (vendor_assets.VENDOR / "LICENCES.txt").read_text()
    for package in json.loads((ROOT / "package.json").read_text())["dependencies"]:
        assert package in licences


def test_a_missing_package_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="pico"):
        vendor_assets.copy_assets(tmp_path / "node_modules", tmp_path / "vendor")


def test_the_lock_file_pins_by_hash_and_names_no_host() -> None:
    text = (ROOT / "package-lock.json").read_text()
    packages = {name: facts for name, facts in json.loads(text)["packages"].items() if name}
    assert packages
    assert all(facts["integrity"].startswith("sha512-") for facts in packages.values())
    assert not [name for name, facts in packages.items() if "resolved" in facts]
