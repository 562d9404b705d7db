"""Every command and sample of the documentation is run as printed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.config import Settings
from app.operations.storage.stored_files import list_models
from app.processes import PROCESSES
from app.storage_settings import StorageSettings
from tests.drills.forked_flask import forked_flask
from tests.drills.hubs import KEY, ROOT, DrillHub, wait_for

pytestmark = pytest.mark.drill

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_BLOCK = re.compile(r"(?:<!-- (?P<setting>.+?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.S)
#: What a reader types and no test does -> why not.
NOT_RUN = {
    "docker": "there is no engine here; tests/drills/test_deployment.py walks the image's steps",
    "kubernetes": "there is no cluster here; tests/operations/test_kubernetes.py builds and validates the manifests",
    "systemd": "it installs on a machine that systemd runs; tests/operations/test_deployment.py reads the units",
    "pip": "it changes what is installed here; the lists are those of `make lock`",
    "cron": "a line for cron's table; its command is the one that the page runs before",
    "server": "it runs until somebody stops it; tests/provider_simulator/test_cli.py starts it",
    "pytest": "it is among the tests that `make test` runs",
    "make": "it runs until somebody stops it; tests/local starts it",
}
#: The pages of operators: each of their commands is run, or says by its language why not.
OPERATORS = ("deploying", "backups", "monitoring", "admin", "operating", "providers")
#: A stream has no end; curl's exit code 28 says that the time given to it was over.
_SHELL = 'curl() { command curl --silent --show-error --fail-with-body --max-time 3 "$@" || [ $? = 28 ]; }; set -eu\n'


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code and the setting that the comment before it names."""

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
    """Create the users of a page; those that exist stay."""
    if not hub.sql("SELECT id FROM users WHERE email = 'hooks@hub.example'"):
        password = ("--password", "correct horse battery staple")
        hub.flask("users", "create", "hooks@hub.example", "--role", "integrator", *password)
    hub.flask("modules", "enable", "hooks@hub.example", "feature.einvoice_webhooks")


def create_123_to_126(hub: DrillHub) -> dict[str, str]:
    """E-invoices with these ids: issued, rejected, in doubt, draft; what an integrator then exports."""
    signed_in = hub.sign_in("integrator")
    hub.make_seller()
    hub.sql("SELECT setval(pg_get_serial_sequence('e_invoices', 'id'), 123, false)")
    item = {"name": "Tişört", "sku": "TSH-1", "quantity": 2, "unit_price": 50, "vat_rate": 20}
    for einvoice_id in (123, 124, 125, 126):
        content = {"buyer": {"name": "Ayşe", "address": "Kadıköy"}, "items": [item]}
        _, draft = hub.post("/api/v1/einvoices", content, headers=signed_in)
        assert draft["id"] == einvoice_id
        if einvoice_id != 126:
            status, _ = hub.post(f"/api/v1/einvoices/{einvoice_id}/issue", {}, headers=signed_in)
            assert status == 200
    hub.sql("UPDATE e_invoices SET status = 'rejected', provider_status = 'rejected' WHERE id = 124")
    hub.sql(
        "INSERT INTO e_invoice_sendings (einvoice_id, provider, key, state, in_doubt, attempts, due_at, created_at) "
        "VALUES (125, 'http', gen_random_uuid(), 'failed', true, 5, now() + interval '1 hour', now())"
    )
    wait_for(lambda: hub.sql("SELECT 1 FROM e_invoice_pdfs WHERE einvoice_id = 123 AND state = 'done'"), 30)
    return credentials(hub, signed_in)


def create_draft_226(hub: DrillHub) -> dict[str, str]:
    """A draft with this id, of the seller who is signed in."""
    signed_in = hub.sign_in("integrator")
    hub.flask("einvoices", "seller", hub.make_seller(), "--tax-scheme", "other")
    hub.sql("SELECT setval(pg_get_serial_sequence('e_invoices', 'id'), 226, false)")
    item = {"name": "Kumaş", "quantity": 2, "unit_price": 50, "vat_rate": 20}
    _, draft = hub.post("/api/v1/einvoices", {"buyer": {"name": "Ayşe"}, "items": [item]}, headers=signed_in)
    assert draft["id"] == 226
    return credentials(hub, signed_in)


def sign_in_a_seller(hub: DrillHub) -> dict[str, str]:
    signed_in = hub.sign_in("integrator")
    hub.make_seller()
    return credentials(hub, signed_in)


def credentials(hub: DrillHub, signed_in: dict[str, str]) -> dict[str, str]:
    token = signed_in["Authorization"].removeprefix("Bearer ")
    return {"BASE_URL": f"http://127.0.0.1:{hub.ports[0]}", "API_TOKEN": token}


def create_customer_1(hub: DrillHub) -> None:
    hub.sql(
        "INSERT INTO customers (id, code, name) OVERRIDING SYSTEM VALUE VALUES (1, 'C-0001', 'LifeCare') "
        "ON CONFLICT DO NOTHING"
    )


def empty_installation(hub: DrillHub) -> dict[str, str]:
    """An empty database and an empty storage folder, beside those of the hub."""
    hub.sql("DROP DATABASE IF EXISTS restored")
    hub.sql("CREATE DATABASE restored")
    storage = Path(hub.environment["DATA_DIR"]) / f"restored-{time.monotonic_ns()}"
    database = urlsplit(hub.postgres.url)._replace(path="/restored").geturl()
    # In a database of Redis' own nobody is at work.
    redis = urlsplit(hub.valkey.url)._replace(path="/7").geturl()
    return {"DATABASE_URL": database, "STORAGE_DIR": str(storage), "REDIS_URL": redis}


def two_places(hub: DrillHub) -> dict[str, str]:
    """A folder with the files that rows of the hub name, and an empty one."""
    folder, now = Path(hub.environment["STORAGE_DIR"]), time.monotonic_ns()
    source = folder / f"files-{now}"
    for model in list_models():
        for (path,) in hub.sql(f"SELECT path FROM {model.__tablename__} WHERE path IS NOT NULL"):
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / path, source / path)
    return {"FROM": str(source), "TO": str(folder / f"moved-{now}")}


def begin_at_1(hub: DrillHub) -> None:
    hub.sql("TRUNCATE access_tokens, api_keys RESTART IDENTITY CASCADE")


#: What a block rests on; what it exports for the blocks after it, in place of the page's own samples.
SETTINGS: dict[str, Callable[[DrillHub], dict[str, str] | None]] = {
    "LTPI-77282 is in review": put_in_review,
    "a seller is signed in": sign_in_a_seller,
    "e-invoice 123 is issued, 124 is rejected, 125 is in doubt, and 126 is a draft": create_123_to_126,
    "e-invoice 226 is a draft": create_draft_226,
    "there is a customer 1": create_customer_1,
    "hooks@hub.example manages webhooks": let_manage_webhooks,
    "an empty installation": empty_installation,
    "two places of files": two_places,
    "ids begin at 1": begin_at_1,
}


@pytest.fixture(scope="module")
def flask_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The text of ``.venv/bin/flask`` in a reader's checkout; a command that asks for a password gets one."""
    with forked_flask(tmp_path_factory.mktemp("flask") / "socket") as program:
        yield program


def readers_checkout(folder: Path, flask_program: str) -> None:
    """A copy of the files that the commands use, so that their output does not stay in the checkout."""
    for name in ("docs", "deploy", "migrations"):
        (folder / name).symlink_to(ROOT / name)
    for name in (".venv/bin", "var/backups", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "var/hub.env").touch()
    (folder / "hub.log").write_text("4f0c2a\n")
    flask = folder / ".venv/bin/flask"
    flask.write_text(flask_program)
    flask.chmod(0o755)


@pytest.mark.takes_turns
@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "bash" for b in blocks(page))], ids=str)
def test_commands_run_as_printed(hub: DrillHub, flask_program: str, page: Path, tmp_path: Path) -> None:
    readers_checkout(tmp_path, flask_program)
    hub.sql("TRUNCATE sales_invoices, idempotency_keys CASCADE")
    exports = {"HUB": f"http://127.0.0.1:{hub.ports[0]}", "API_KEY": KEY}
    for block in blocks(page):
        if block.language != "bash":
            continue
        if block.setting:
            exports |= SETTINGS[block.setting](hub) or {}
        text = re.sub(r"(?<=\s)/(?=(root|var/backups)\b)", f"{tmp_path}/", block.text)
        text = re.sub(r"invoice-hub-\d+T\d+Z", "invoice-hub-*", text)
        text = re.sub(rf"^export ({'|'.join(exports)})=.*\n", "", text, flags=re.M)
        address = "".join(f"export {name}={value}\n" for name, value in exports.items())
        done = subprocess.run(
            ["bash", "-c", address + _SHELL + text],
            cwd=tmp_path,
            env={**hub.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"


def test_every_command_for_operators_is_run_or_has_a_reason() -> None:
    languages = {name: {b.language for b in ALL if b.page.stem == name} for name in OPERATORS}
    for name, found in languages.items():
        unknown = found & {"sh", "shell", "console"}
        assert not unknown, f"{name}: say why a command is not run by the language of its block: {sorted(NOT_RUN)}"
    assert set(NOT_RUN) <= set().union(*languages.values()), "a reason that nobody needs"


def test_every_documented_setting_exists(hub: DrillHub) -> None:
    assert {block.setting for block in ALL if block.setting} == set(SETTINGS)


@pytest.mark.parametrize("block", [b for b in ALL if b.language == "json"], ids=lambda b: b.page.name)
def test_json_samples_are_json(block: Block) -> None:
    json.loads(block.text)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    named = {name for page in PAGES for name in re.findall(r"(?:^|`)make (\w+)", page.read_text(), re.M)}
    assert named
    assert named <= targets


def test_the_operators_page_lists_every_setting() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.M))
    code = "".join((ROOT / "app" / name).read_text() for name in ("config.py", "storage_settings.py"))
    read = set(re.findall(r'(?:env\.\w+\(|_needed\(env, )\s*"([A-Z_]+)"', code))
    assert listed == read
    assert len(read) <= len(fields(Settings)) + len(fields(StorageSettings))


def test_the_operating_page_has_a_worker_for_every_queue() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    listed = {queue for line in re.findall(r"--queues (\S+)", page) for queue in line.split(",")}
    assert listed == {queue for process in PROCESSES for queue in process.queues}


def test_links_have_targets() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
