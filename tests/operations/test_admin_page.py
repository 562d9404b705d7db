"""The operators' page of users, tokens and modules: its commands run, and its tables say what the code says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from app.accounts.roles import ABILITIES, ROLES
from app.kernel.http.app import Hub
from tests.factories import PASSWORD

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "admin.md").read_text()


def test_the_commands_run_as_printed_in_their_order(app: Hub) -> None:
    lines = re.findall(r"^\.venv/bin/flask --app wsgi (.+)$", PAGE, re.M)
    assert len(lines) >= 15
    for line in lines:
        words = shlex.split(line) + (["--password", PASSWORD] if "users create" in line else [])
        result = app.test_cli_runner().invoke(args=words)
        assert result.exit_code == 0, f"{line}\n{result.output}"


def test_every_ability_is_explained_in_the_same_words() -> None:
    assert dict(re.findall(r"^\| `(\w+:\w+)` \| (.+) \|$", PAGE, re.M)) == ABILITIES


def test_every_role_has_what_the_page_says() -> None:
    told = {}
    for role, words in re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.M):
        named = set(re.findall(r"`(\w+:\w+)`", words))
        all_read = "all `:read` abilities" in words
        reading = {ability for ability in ABILITIES if ability.endswith(":read")} if all_read else set()
        told[role] = set(ABILITIES) if words == "all" else named | reading
    assert told == ROLES
