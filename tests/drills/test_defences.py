"""Each defence of the security page is taken out of a copy of the code: the test that the page names must then fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drills.hubs import ROOT

pytestmark = pytest.mark.drill

PAGE = ROOT / "docs" / "security.md"
COPIED = ("app", "migrations", "tests", "pyproject.toml", "wsgi.py", "celery_worker.py")
PARALLEL = 2


@dataclass(frozen=True)
class Removal:
    """How a defence is taken out: in ``module``, ``code`` becomes ``without``; then ``test`` fails."""

    test: str
    module: str
    code: str
    without: str


REMOVALS = (
    Removal(
        "tests/einvoices/links/test_api.py",
        "app/einvoices/links/service.py",
        "if link is None or not link.is_valid:",
        "if link is None:",
    ),
    Removal(
        "tests/einvoices/lifecycle/test_exclusivity.py",
        "app/sales/queries/einvoice_source.py",
        ".with_for_update(key_share=True)",
        "",
    ),
    Removal(
        "tests/einvoices/test_access.py",
        "app/einvoices/queries/lookup.py",
        "query if scope is None else query.where(Einvoice.owner_id == scope)",
        "query",
    ),
    Removal(
        "tests/webhooks/test_access.py",
        "app/webhooks/endpoints/service.py",
        "query if scope is None else query.where(Endpoint.owner_id == scope)",
        "query",
    ),
    Removal(
        "tests/stream/test_owners.py",
        "app/stream/broadcaster.py",
        "self.everybody or event.owner_id is None or event.owner_id == self.owner_id",
        "True",
    ),
    Removal(
        "tests/accounts/test_every_route.py::test_every_guarded_route_refuses_each_wrong_credential",
        "app/accounts/tokens/authenticator.py",
        "if token.revoked_at:",
        "if False:",
    ),
    Removal(
        "tests/accounts/login/test_sessions.py",
        "app/accounts/login/sessions.py",
        "or session.revoked_at or not session.user.is_active",
        "",
    ),
    Removal(
        "tests/admin/views/test_login.py::test_a_sign_in_does_not_continue_an_earlier_session",
        "app/accounts/login/web_sessions.py",
        "    session.clear()\n    session[_COOKIE_KEY] = str(session_id)",
        "    session.setdefault(_COOKIE_KEY, str(session_id))",
    ),
    Removal(
        "tests/kernel/schemas/test_fields.py",
        "app/kernel/schemas/fields.py",
        "unknown = ma.RAISE",
        "unknown = ma.EXCLUDE",
    ),
    Removal("tests/kernel/test_json.py", "app/kernel/json.py", "if depth > MAX_DEPTH + 1:", "if False:"),
    Removal(
        "tests/tables/test_xlsx_reader.py",
        "app/tables/xlsx_reader.py",
        "if sum(member.file_size for member in members) > limits.unpacked_bytes:",
        "if False:",
    ),
    Removal(
        "tests/accounts/test_guards.py",
        "app/accounts/guards.py",
        "if not allows(authenticate(), ability):",
        "if not authenticate():",
    ),
    Removal(
        "tests/admin/test_guards.py",
        "app/accounts/guards.py",
        "if not allows(authenticate(), ability):",
        "if not authenticate():",
    ),
    Removal(
        "tests/kernel/outbound/test_ssrf.py",
        "app/kernel/outbound/ssrf.py",
        "    for network, reason in _BLOCKED_NETWORKS:",
        "    return None\n    for network, reason in _BLOCKED_NETWORKS:",
    ),
    Removal(
        "tests/admin/test_blueprint.py",
        "app/admin/blueprint.py",
        "    csrf.protect()",
        "    csrf.exempt",
    ),
    Removal(
        "tests/admin/views/test_login.py::test_next_parameter_redirects_to_no_other_site",
        "app/admin/error_pages.py",
        "return path if is_own and path.isprintable() else",
        "return path if path else",
    ),
    Removal(
        "tests/tables/test_formulas.py",
        "app/tables/formulas.py",
        "return _replace_starts(text, lambda apostrophes: GUARD + apostrophes)",
        "return text",
    ),
    Removal("tests/pdf/test_renderer.py", "app/pdf/renderer.py", "autoescape=True", "autoescape=False"),
    Removal(
        "tests/pdf/test_files.py",
        "app/pdf/files.py",
        'if unicodedata.category(character) != "Cf"',
        "if character",
    ),
    Removal(
        "tests/kernel/http/test_client_address.py",
        "app/kernel/http/client_address.py",
        "address = forwarded[-min(self._hops, len(forwarded))]",
        "address = forwarded[0]",
    ),
    Removal(
        "tests/accounts/test_call_log.py",
        "app/accounts/call_log.py",
        "conditions.append(ApiCall.user_id == scope)",
        "pass",
    ),
    Removal(
        "tests/accounts/test_idempotency.py",
        "app/accounts/idempotency.py",
        "credential = authenticate().credential",
        'credential = "everybody"',
    ),
    Removal(
        "tests/operations/backup/test_archive.py",
        "app/operations/backup/archive.py",
        "if member.isreg() and _NAME.fullmatch(member.name) else",
        "if member.isreg() else",
    ),
    Removal(
        "tests/kernel/test_log_redaction.py",
        "app/kernel/log_redaction.py",
        "line[name] = MASK if _is_secret(name, value) else mask_value(value)",
        "line[name] = value",
    ),
    Removal(
        "tests/einvoices/providers/test_http_provider.py",
        "app/einvoices/providers/http_provider.py",
        "if time.monotonic() > deadline or len(content) > MAX_RESPONSE_BYTES:",
        "if False:",
    ),
    Removal(
        "tests/accounts/test_every_route.py::test_every_list_has_a_largest_page_or_a_reason",
        "app/kernel/pagination/limits.py",
        "MAX_PAGE_SIZE = 100",
        "MAX_PAGE_SIZE = 10_000",
    ),
    Removal(
        "tests/webhooks/test_abilities.py",
        "app/webhooks/deliveries/fan_out.py",
        "return frozenset(events.matching(patterns)).intersection(events.readable(abilities))",
        "return frozenset(events.matching(patterns))",
    ),
    Removal(
        "tests/accounts/login/test_passwords.py",
        "app/accounts/login/passwords.py",
        "m=65536,t=3,p=4$Jsg",
        "m=65536,t=1,p=4$Jsg",
    ),
    Removal(
        "tests/accounts/login/test_api.py",
        "app/accounts/login/login_limits.py",
        "[*_network_limits(), *_account_limits(_account())]",
        "list(_network_limits())",
    ),
    Removal(
        "tests/accounts/tokens/test_rate_limits.py",
        "app/accounts/tokens/rate_limits.py",
        'return "" if limit is None else f"{limit} per minute"',
        'return ""',
    ),
    Removal(
        "tests/stream/test_api.py",
        "app/stream/places.py",
        "if self._by_credential[credential] >= limits.per_credential:",
        "if False:",
    ),
    Removal(
        "tests/sales/floor/test_transitions.py",
        "app/sales/floor/transitions.py",
        "if invoice.status not in {*step.moves, *step.resumes}:",
        "if False:",
    ),
    Removal("tests/test_config.py", "app/config.py", "if settings.is_production and settings.secret_key:", "if False:"),
    Removal(
        "tests/kernel/test_logs.py",
        "app/kernel/logs.py",
        "if isinstance(value, str) and not value.isprintable():",
        "if False:",
    ),
    Removal(
        "tests/accounts/test_secrets.py",
        "app/kernel/log_redaction.py",
        "line[name] = MASK if _is_secret(name, value) else mask_value(value)",
        "line[name] = value",
    ),
    Removal(
        "tests/kernel/pagination/test_byte_limit.py",
        "app/kernel/pagination/byte_limit.py",
        "return before < MAX_MIB * MIB",
        "return before >= 0",
    ),
    Removal(
        "tests/accounts/test_every_route.py::test_every_list_has_a_limit_in_bytes_or_small_rows",
        "app/kernel/pagination/byte_limit.py",
        "return before < MAX_MIB * MIB",
        "return before >= 0",
    ),
    Removal(
        "tests/tables/test_uploads.py",
        "app/tables/uploads.py",
        "if _unpacked_size(content) <= SMALL:",
        "if True:",
    ),
    Removal(
        "tests/kernel/system/test_child_process.py",
        "app/kernel/system/child_program.py",
        "resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))",
        "pass",
    ),
    Removal("tests/grn/receipts/test_large_roll_files.py", "app/grn/api/items.py", "commit_early()  # reading", "# "),
    Removal(
        "tests/tables/test_csv_reader.py",
        "app/tables/csv_reader.py",
        "self._lines.most //= 10",
        "pass",
    ),
    Removal(
        "tests/webhooks/api/test_url_resolution.py",
        "app/kernel/outbound/url_resolution.py",
        "            commit_early()\n",
        "",
    ),
)


def rows_of_the_page() -> list[tuple[str, list[str]]]:
    """Defence and tests of each row of the tables of the page."""
    found = re.findall(r"^\| (.+) \| (`tests/.+`) \|$", PAGE.read_text(), re.MULTILINE)
    return [(defence, re.findall(r"`([^`]+)`", tests)) for defence, tests in found]


def test_the_page_names_tests_that_exist_and_every_removal() -> None:
    named = {test for _, tests in rows_of_the_page() for test in tests}
    assert {removal.test for removal in REMOVALS} <= named
    for test in sorted(named):
        file, *names = test.split("::")
        assert (ROOT / file).is_file(), test
        assert all(f"{name}(" in (ROOT / file).read_text() for name in names), test


def removed(removal: Removal, folder: Path) -> str | None:
    """Take the defence out and run its test; return what is wrong if the test does not fail."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "drills")
        (shutil.copytree if source.is_dir() else shutil.copy)(
            source, folder / name, **({"ignore": ignored} if source.is_dir() else {})
        )
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "docs").symlink_to(ROOT / "docs")
    module = folder / removal.module
    text = module.read_text()
    if text.count(removal.code) < 1:
        return f"{removal.module} does not have: {removal.code}"
    module.write_text(text.replace(removal.code, removal.without))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--show-capture=no", "-p", "no:cacheprovider", removal.test],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(folder)
    if done.returncode == 1 and " failed" in done.stdout:
        return None
    return f"{removal.test} ended with {done.returncode}: {done.stdout[-300:]}"


def test_each_test_fails_without_its_defence(tmp_path: Path) -> None:
    with ThreadPoolExecutor(PARALLEL) as pool:
        folders = (tmp_path / str(number) for number in range(len(REMOVALS)))
        faults = [fault for fault in pool.map(removed, REMOVALS, folders) if fault]
    print(f"\nDefences taken out: {len(REMOVALS)}; not noticed by their test: {len(faults)}")
    assert not faults, "\n".join(faults)
