"""The example clients of the documents, run as their readers run them, against a hub that has bad moments."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app.kernel.http.app import Hub
from app.stream.broadcaster import broadcaster
from tests.conftest import IMPORT_KEY
from tests.factories import a_sale
from tests.sales.helpers import Person, a_person, imported
from tests.serving import serving

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
NODE = shutil.which("node")
CLIENTS = [
    pytest.param([sys.executable, "-W", "error", str(EXAMPLES / "sales_client.py")], id="python"),
    pytest.param(
        [NODE or "node", str(EXAMPLES / "sales_client.mjs")],
        id="node",
        marks=pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    ),
]


class Moody:
    """A hub that refuses the first writes and cuts each stream off after a few blocks."""

    def __init__(self, app: Any, refusals: list[str]) -> None:
        self.app, self.refusals = app, refusals
        self.streams = 0
        self.resumed_from: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in {"POST", "PATCH"} and self.refusals:
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            start(self.refusals.pop(0), [("Content-Type", "text/plain"), ("Retry-After", "0")])
            return [b"not now"]
        answer = self.app(environ, start)
        if environ["PATH_INFO"].startswith("/api/sales/sse"):
            self.streams += 1
            self.resumed_from.append(environ.get("HTTP_LAST_EVENT_ID", ""))
            return self.cut_off(answer)
        return answer  # type: ignore[no-any-return]

    def cut_off(self, answer: Any) -> Iterator[bytes]:
        """All of a stream up to its second event, and then nothing."""
        events = 0
        try:
            for block in answer:
                yield block
                events += b"data:" in block
                if events == 2:
                    return
        finally:
            answer.close()


@pytest.fixture
def serve(app: Hub) -> Iterator[Callable[..., tuple[Moody, str]]]:
    broadcaster._head = 0
    servers = ExitStack()

    def start(refusals: list[str]) -> tuple[Moody, str]:
        moody = Moody(app.wsgi_app, refusals)
        server = make_server("127.0.0.1", 0, moody, threaded=True)
        server.daemon_threads = True
        servers.enter_context(serving(server))
        return moody, f"http://127.0.0.1:{server.server_port}"

    with servers:
        yield start


def environment(url: str, key: str = IMPORT_KEY) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HUB_URL": url, "HUB_API_KEY": key}


def posted(command: list[str], url: str, file: Path, key: str = IMPORT_KEY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, "post", str(file)],
        env=environment(url, key),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", CLIENTS)
class TestPosting:
    def test_bad_moments_are_waited_out_and_repeats_are_success(
        self, serve: Callable[..., tuple[Moody, str]], tmp_path: Path, command: list[str]
    ) -> None:
        moody, url = serve(["503 Service Unavailable", "429 Too Many Requests", "500 Internal Server Error"])
        file = tmp_path / "invoice.json"
        invoice = a_sale()
        file.write_text(json.dumps(invoice))
        first, second = posted(command, url, file), posted(command, url, file)
        assert first.stdout.startswith(f"imported {invoice['invoice_no']}"), first.stderr
        assert second.stdout.startswith("already there:")
        assert (first.returncode, second.returncode, moody.refusals) == (0, 0, [])
        file.write_text(json.dumps({**invoice, "priority": "LOW"}))
        changed = posted(command, url, file)
        assert (changed.returncode, "differs" in changed.stderr, "priority" in changed.stderr) == (1, True, True)

    def test_refusals_are_final(
        self, serve: Callable[..., tuple[Moody, str]], tmp_path: Path, command: list[str]
    ) -> None:
        _, url = serve([])
        file = tmp_path / "invoice.json"
        file.write_text(json.dumps(a_sale(items=[])))
        bad = posted(command, url, file)
        assert (bad.returncode, "Send 1 to 2000 items." in bad.stderr) == (1, True), bad.stderr
        stranger = posted(command, url, file, key="wrong")
        assert (stranger.returncode, "Invalid API key" in stranger.stderr) == (1, True)
        assert posted(command, url, file, key="").returncode == 1


@pytest.mark.parametrize("command", CLIENTS)
def test_a_review_is_answered_though_the_stream_breaks(
    *,
    serve: Callable[..., tuple[Moody, str]],
    erp: FlaskClient,
    client_as: Callable[..., FlaskClient],
    relayed: Callable[[], int],
    tmp_path: Path,
    command: list[str],
) -> None:
    ravi: Person = a_person(client_as, name="Ravi")
    numbers = [imported(erp) for _ in range(3)]
    relayed()
    item = {"item_code": "NEW", "name": "New", "quantity": 1, "mrp": 80}
    corrections = {n: {"items": [item], "resolution_notes": "Added"} for n in numbers}
    file = tmp_path / "corrections.json"
    file.write_text(json.dumps(corrections))
    moody, url = serve([])
    running = subprocess.Popen(
        [*command, "listen", str(file)], env=environment(url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        until(lambda: moody.streams == 1)
        for number in numbers:
            ravi.does("picking/start", number)
            ravi.does("billing/return", number, return_reason="wrong")
            relayed()
            until(lambda number=number: ravi.sees(number)["billing_status"] == "RE_INVOICED", relayed)
            assert ravi.sees(number)["total_amount"] == 1000.0
            ravi.does("session/cancel", number)
        relayed()
        until(lambda: moody.streams > 3, relayed)
    finally:
        running.terminate()
        output, errors = running.communicate(timeout=10)
    assert [line for line in output.splitlines() if line.startswith("corrected")] == [
        f"corrected {n}: PICKING, {total}" for n, total in zip(numbers, printed(command), strict=True)
    ], errors
    assert moody.resumed_from[0] == ""
    assert all(moody.resumed_from[1:])


def printed(command: list[str]) -> list[str]:
    """How each language writes the number 1000.0."""
    return ["1000.0" if "py" in command[-1] else "1000"] * 3


def until(true: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + 40
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        meanwhile()
        time.sleep(0.1)
