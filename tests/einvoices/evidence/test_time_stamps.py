"""Time stamps of daily roots, from a real authority: fetched, checked, retried for as long as it takes."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.evidence import roots, stamp_authority, time_stamps
from app.evidence.models import EvidenceStamp
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_issued
from tests.evidence.authority_server import StampAuthority

ROOTS = "/api/v1/evidence/roots"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> StampAuthority:
    return StampAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def authority(app: Hub, keys: StampAuthority, monkeypatch: pytest.MonkeyPatch) -> Iterator[StampAuthority]:
    """A running authority that the settings name."""
    keys.requests.clear()
    monkeypatch.setattr(keys, "answer", keys.answer)  # so that what a test sets ends with it
    with keys.configured(app):
        yield keys


@pytest.fixture
def sealed(authority: StampAuthority, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """An owner whose first day is over and has its root."""
    create_issued(owner)
    tomorrow = clock.now() + timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: tomorrow)
        assert roots.seal_due() == 1
    make_due()
    return owner


def make_due() -> None:
    with unit_of_work():
        db.session.query(EvidenceStamp).update({"due_at": clock.now()})


def stored_stamp() -> EvidenceStamp:
    with unit_of_work():
        stamp: EvidenceStamp = db.session.query(EvidenceStamp).populate_existing().one()
    return stamp


@pytest.mark.slow
def test_a_root_gets_a_stamp_that_openssl_accepts(
    sealed: FlaskClient, authority: StampAuthority, tmp_path: Path
) -> None:
    assert sealed.get(ROOTS).json["data"][0]["stamped_at"] is None
    assert (time_stamps.stamp_due(), time_stamps.stamp_due()) == (1, 0)
    [root] = sealed.get(ROOTS).json["data"]
    assert abs(datetime.fromisoformat(root["stamped_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    reply = tmp_path / "reply.tsr"
    reply.write_bytes(stored_stamp().reply or b"")
    digest = hashlib.sha256(root["statement"].encode()).hexdigest()
    command = ["openssl", "ts", "-verify", "-digest", digest, "-in", str(reply), "-CAfile", str(authority.roots_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr, done
    assert "Authorization" not in authority.requests[0]


def test_credentials_go_along(sealed: FlaskClient, authority: StampAuthority, app: Hub, monkeypatch: Any) -> None:
    monkeypatch.setitem(app.config, "TIMESTAMP_USER", "hub")
    monkeypatch.setitem(app.config, "TIMESTAMP_PASSWORD", "secret:word")
    assert time_stamps.stamp_due() == 1
    expected = base64.b64encode(b"hub:secret:word").decode()
    assert authority.requests[0]["Authorization"] == f"Basic {expected}"


def flipped(content: bytes) -> bytes:
    """The answer with another signature: it stands at the end."""
    return content[:-1] + bytes([content[-1] ^ 1])


ANSWERS: dict[str, tuple[Callable[[StampAuthority, bytes], tuple[int, bytes]], str]] = {
    "error": (lambda _tsa, _query: (503, b"later"), "answered 503"),
    "no stamp": (lambda _tsa, _query: (200, b"<html>"), "no valid time stamp"),
    "empty": (lambda _tsa, _query: (200, b""), "no valid time stamp"),
    "too large": (lambda _tsa, _query: (200, b"x" * 100_000), "too large"),
    "other signature": (lambda tsa, query: (200, flipped(tsa.reply_to(query))), "no valid time stamp"),
    "refusal": (lambda tsa, _query: (200, tsa.reply_to(b"0\x03\x02\x01\x01")), "no valid time stamp"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_no_stamp_is_not_stored_and_tried_again(
    sealed: FlaskClient, authority: StampAuthority, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, reason = ANSWERS[name]
    with monkeypatch.context() as patch:
        patch.setattr(authority, "answer", lambda query: answer(authority, query))
        assert time_stamps.stamp_due() == 0
    stamp = stored_stamp()
    assert (stamp.state, stamp.reply, reason in (stamp.error or "")) == ("pending", None, True), stamp.error
    assert time_stamps.stamp_due() == 0  # it is not due yet
    make_due()
    assert time_stamps.stamp_due() == 1


def test_a_stamp_of_something_else_or_of_another_authority_is_refused(
    authority: StampAuthority, tmp_path: Path
) -> None:
    configured = stamp_authority.configured()
    assert configured is not None
    checked = stamp_authority.fetch(b"first", configured)
    assert stamp_authority.check(checked.reply, b"first", authority.roots_file) == checked.stamped_at
    other = StampAuthority(tmp_path / "other")
    for statement, file in ((b"second", authority.roots_file), (b"first", other.roots_file)):
        with pytest.raises(stamp_authority.StampRefused):
            stamp_authority.check(checked.reply, statement, file)
    authority.answer = lambda _query: (200, checked.reply)  # an old answer has another nonce
    with pytest.raises(stamp_authority.StampRefused, match="Nonce"):
        stamp_authority.fetch(b"first", configured)


def test_an_authority_that_is_away_for_days_is_asked_again(
    sealed: FlaskClient, app: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(app.config, "TIMESTAMP_URL", "http://127.0.0.1:1/")
        for _ in range(8):
            make_due()
            assert time_stamps.stamp_due() == 0
    stamp = stored_stamp()
    assert (stamp.state, stamp.error) == ("pending", "The authority does not answer: The connection was refused.")
    assert timedelta(minutes=50) < stamp.due_at - clock.now() < timedelta(minutes=61)
    make_due()
    assert time_stamps.stamp_due() == 1


def test_without_an_authority_roots_wait_for_no_stamp(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    create_issued(owner)
    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert (roots.seal_due(), time_stamps.stamp_due()) == (1, 0)
    with unit_of_work():
        assert db.session.query(EvidenceStamp).count() == 0
