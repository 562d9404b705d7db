"""docs/admin.md: its commands run, and its tables agree with the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from app.accounts.roles import ABILITIES, ROLES
from app.kernel.http.app import Hub
from tests.factories import PASSWORD

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "admin.md").read_text()


def test_the_commands_run_as_printed_in_order(app: Hub) -> None:
    lines = re.findall(r"^\.venv/bin/flask --app wsgi (.+)$", PAGE, re.M)
    assert len(lines) >= 15
    for line in lines:
        words = shlex.split(line) + (["--password", PASSWORD] if "users create" in line else [])
        result = app.test_cli_runner().invoke(args=words)
        assert result.exit_code == 0, f"{line}\n{result.output}"


def test_every_ability_has_the_description_of_the_code() -> None:
    assert dict(re.findall(r"^\| `(\w+:\w+)` \| (.+) \|$", PAGE, re.M)) == ABILITIES


def test_every_role_has_the_abilities_of_the_page() -> None:
    documented = {}
    for role, words in re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.M):
        named = set(re.findall(r"`(\w+:\w+)`", words))
        all_read = "all `:read` abilities" in words
        reading = {ability for ability in ABILITIES if ability.endswith(":read")} if all_read else set()
        documented[role] = set(ABILITIES) if words == "all" else named | reading
    assert documented == ROLES
