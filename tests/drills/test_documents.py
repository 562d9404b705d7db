"""Every command and every sample of the documents is run: what a reader pastes works."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from app.config import Settings
from app.local.processes import PROCESSES
from tests.drills.hubs import KEY, ROOT, DrillHub, wait_for

pytestmark = [pytest.mark.drill, pytest.mark.xdist_group("drills")]

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_BLOCK = re.compile(r"(?:<!-- (?P<setting>.+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.S)
#: A stream has no end; curl's exit code 28 says that the time given to it was over.
_SHELL = 'curl() { command curl --silent --show-error --fail-with-body --max-time 3 "$@" || [ $? = 28 ]; }; set -eu\n'


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code, and the setting that a comment before it names."""

    page: Path
    language: str
    text: str
    setting: str | None


def blocks(page: Path) -> Iterator[Block]:
    for found in _BLOCK.finditer(page.read_text()):
        yield Block(page, found["language"], found["text"], found["setting"])


ALL = [block for page in PAGES for block in blocks(page)]


def put_in_review(hub: DrillHub) -> None:
    hub.sql("UPDATE sales_invoices SET status = 'PICKING' WHERE invoice_no = 'LTPI-77282'")
    returned = {"invoice_no": "LTPI-77282", "return_reason": "Batch on the box is B456"}
    status, _ = hub.post("/api/sales/billing/return/", returned, headers=hub.sign_in("warehouse"))
    assert status == 200


def let_manage_webhooks(hub: DrillHub) -> None:
    """Again for each run of the page: whoever is there already stays."""
    if not hub.sql("SELECT FROM users WHERE email = 'hooks@hub.example'"):
        password = ("--password", "correct horse battery staple")
        hub.flask("users", "create", "hooks@hub.example", "--role", "integrator", *password)
    hub.flask("modules", "enable", "hooks@hub.example", "feature.einvoice_webhooks")


def issue_123(hub: DrillHub) -> dict[str, str]:
    """An issued e-invoice with this id and its PDF; what an integrator then exports."""
    signed_in = hub.sign_in("integrator")
    [(email,)] = hub.sql("SELECT email FROM users ORDER BY id DESC LIMIT 1")
    hub.flask("modules", "enable", email, "feature.einvoice_api")
    hub.sql("SELECT setval(pg_get_serial_sequence('e_invoices', 'id'), 123, false)")
    item = {"name": "Tişört", "sku": "TSH-1", "quantity": 2, "unit_price": 50, "vat_rate": 20}
    _, draft = hub.post("/api/v1/einvoices", {"buyer": {"name": "Ayşe"}, "items": [item]}, headers=signed_in)
    assert (draft["id"], hub.post("/api/v1/einvoices/123/issue", {}, headers=signed_in)[0]) == (123, 200)
    wait_for(lambda: hub.sql("SELECT 1 FROM e_invoice_pdfs WHERE einvoice_id = 123 AND state = 'done'"), 30)
    base = f"http://127.0.0.1:{hub.ports[0]}"
    return {"BASE_URL": base, "API_TOKEN": signed_in["Authorization"].removeprefix("Bearer ")}


#: What a block rests on; what it exports for the blocks after it, in place of the page's own samples.
SETTINGS: dict[str, Callable[[DrillHub], dict[str, str] | None]] = {
    "LTPI-77282 is in review": put_in_review,
    "e-invoice 123 is issued": issue_123,
    "hooks@hub.example manages webhooks": let_manage_webhooks,
}


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "bash" for b in blocks(page))], ids=str)
def test_commands_run_as_printed(hub: DrillHub, page: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")  # what they download must not lie about in the checkout
    hub.sql("TRUNCATE sales_invoices, idempotency_keys CASCADE")
    exports = {"HUB": f"http://127.0.0.1:{hub.ports[0]}", "API_KEY": KEY}
    for block in blocks(page):
        if block.language != "bash":
            continue
        if block.setting:
            exports |= SETTINGS[block.setting](hub) or {}
        text = re.sub(rf"^export ({'|'.join(exports)})=.*\n", "", block.text, flags=re.M)
        address = "".join(f"export {name}={value}\n" for name, value in exports.items())
        done = subprocess.run(
            ["bash", "-c", address + _SHELL + text], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"


def test_every_setting_names_something(hub: DrillHub) -> None:
    assert {block.setting for block in ALL if block.setting} == set(SETTINGS)


@pytest.mark.parametrize("block", [b for b in ALL if b.language == "json"], ids=lambda b: b.page.name)
def test_json_samples_are_json(block: Block) -> None:
    json.loads(block.text)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    named = {name for page in PAGES for name in re.findall(r"(?:^|`)make (\w+)", page.read_text(), re.M)}
    assert named
    assert named <= targets


def test_flask_commands_of_the_operators_page_run(hub: DrillHub) -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    lines = re.findall(r"^\.venv/bin/flask --app wsgi (.+)$", page, re.M)
    assert len(lines) >= 3
    for line in lines:
        password = " --password 'correct horse battery staple'" if "users create" in line else ""
        command = f"{shlex.quote(sys.executable)} -m flask --app wsgi {line}{password}"
        subprocess.run(["bash", "-c", command], cwd=ROOT, env=hub.environment, check=True, capture_output=True)


def test_the_operators_page_lists_every_setting() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.M))
    read = set(re.findall(r'(?:env\.\w+\(|_needed\(env, )\s*"([A-Z_]+)"', (ROOT / "app" / "config.py").read_text()))
    assert listed == read
    assert len(read) <= len(fields(Settings))


def test_the_operators_page_serves_every_queue() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    listed = {queue for line in re.findall(r"--queues (\S+)", page) for queue in line.split(",")}
    assert listed == {queue for process in PROCESSES for queue in process.queues}


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
