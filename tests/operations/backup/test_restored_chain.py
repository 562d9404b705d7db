"""A chain after a restore: still verifiable, it goes on, personal data can go, and what was lost is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.evidence import roots
from app.kernel.http.app import Hub
from tests.einvoices.exports.packages import BASE, Files, check, export, make_month, set_clock, unpack
from tests.einvoices.helpers import create_issued
from tests.operations.backup.backup_helpers import output_of_success, run_command

pytestmark = pytest.mark.drill


def known_roots(files: Files) -> dict[str, str]:
    """The roots of a package, as somebody keeps them."""
    return {day: root["root"] for day, root in check(files).roots.items()}


def issue_at(client: FlaskClient, hub: Hub, day: int, patch: pytest.MonkeyPatch) -> None:
    """Issue one e-invoice so many days after the first, and let that day end."""
    set_clock(patch, BASE + timedelta(days=day))
    create_issued(client)
    set_clock(patch, BASE + timedelta(days=day + 1))
    with hub.app_context():
        assert roots.seal_due() == 1


def test_a_restored_chain_is_verifiable_and_goes_on(
    app: Hub, owner: FlaskClient, empty: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = make_month(owner, monkeypatch)
    kept, target = known_roots(unpack(export(owner))), str(tmp_path / "hub.backup")
    output_of_success(run_command(app, "backup", target))
    issue_at(owner, app, 3, monkeypatch)  # lost with the first hub
    lost = known_roots(unpack(export(owner)))
    assert len(lost) == len(kept) + 1
    output_of_success(run_command(empty, "restore", target))

    restored = empty.test_client()
    restored.environ_base.update(owner.environ_base)
    files = unpack(export(restored))
    assert (check(files, kept).findings, len([name for name in files if name.startswith("pdf/")])) == ([], len(numbers))
    issue_at(restored, empty, 4, monkeypatch)
    files = unpack(export(restored))
    assert check(files, kept).findings == []
    day = f"{BASE + timedelta(days=3):%Y-%m-%d}"
    assert check(files, lost).findings == [f"The root of {day} that you kept is not in the package."]

    words = ["einvoices", "remove-personal-data", "--issued-before", f"{BASE + timedelta(days=2):%Y-%m-%d}"]
    with empty.app_context():
        assert empty.test_cli_runner().invoke(args=words).exit_code == 0
    checked = check(unpack(export(restored)), kept)
    assert checked.findings == []
    assert len([note for note in checked.notes if ".pdf was removed by retention" in note]) == 4
