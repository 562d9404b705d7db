"""Schemathesis calls every operation with valid and invalid data, by each kind of credential; all its checks hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.accounts.tokens.service import MAX_CALLS_PER_MINUTE
from tests.drills.hubs import KEY, ROOT, DrillHub, drill_hub, wait_for

pytestmark = pytest.mark.drill

CONFIG = Path(__file__).with_name("schemathesis.toml")
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
#: Seconds of one run.
LIMIT = 15 if os.environ.get("SHORT") else 240
ABILITIES = "einvoices:read,einvoices:status,einvoices:write,sales:import,sales:read,sales:write,grn:read,grn:write"
MODULES = ("feature.einvoice_api", "feature.einvoice_webhooks")


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[DrillHub]:
    """A hub of its own, full of nonsense afterwards, whose streams end at once and whose sign-in has no limit."""
    with drill_hub(STREAM_LIFETIME_SECONDS="1", LOG_LEVEL="ERROR", LOGIN_LIMIT="100000 per minute") as hub:
        # Until a canary has passed through each queue, the answer is 503.
        wait_for(lambda: hub.get("/healthz/worker")[0] == 200, 60)
        yield hub


def by_key(_hub: DrillHub) -> str:
    return f"X-API-KEY: {KEY}"


def by_user(hub: DrillHub) -> str:
    authorization = hub.sign_in("admin")["Authorization"]
    [(email,)] = hub.sql("SELECT email FROM users ORDER BY id DESC LIMIT 1")
    for module in MODULES:
        hub.flask("modules", "enable", email, module)
    return f"Authorization: {authorization}"


def by_token(hub: DrillHub) -> str:
    by_user(hub)
    [(email,)] = hub.sql("SELECT email FROM users ORDER BY id DESC LIMIT 1")
    abilities = [part for ability in ABILITIES.split(",") for part in ("--ability", ability)]
    shown = hub.flask("tokens", "create", email, "Fuzzing", *abilities, "--calls", str(MAX_CALLS_PER_MINUTE))
    return f"Authorization: Bearer {shown.splitlines()[-1]}"


@pytest.mark.takes_turns
@pytest.mark.parametrize("credential", [by_user, by_key, by_token])
def test_every_answer_is_as_documented(fuzzed: DrillHub, credential: Callable[[DrillHub], str], tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(fuzzed.get("/openapi.json")[1])
    # One worker: with two, Hypothesis fails now and then while it reads source lines.
    options = ["--checks", "all", "--max-time", str(LIMIT), "--workers", "1", "--max-examples", "20", "--no-color"]
    options += ["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"]
    options += ["--url", f"http://127.0.0.1:{fuzzed.ports[0]}", "--header", credential(fuzzed)]
    if credential is by_key:
        # These checks take ``Authorization`` away or replace it; the key beside it is still a valid credential.
        options += ["--exclude-checks", "missing_required_header,ignored_auth"]
    # The end of the session would end the run.
    options += ["--exclude-path", "/api/auth/logout/"]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", str(document), *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS), "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=LIMIT + 120,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    [calls] = re.findall(r"(\d+) generated", done.stdout)
    assert int(calls) > 50, done.stdout
