"""The nginx example in front of a server: the port is kept, and 413 is JSON in the shape of each API."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.drills.hubs import ROOT, free_port

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = [pytest.mark.drill, pytest.mark.skipif(NGINX is None, reason="Debian's package nginx is not installed")]


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it received."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Write no log."""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[int]:
    """Port of nginx with the example's configuration, without its certificate."""
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    port = free_port()
    example = (ROOT / "deploy/proxy/nginx.conf").read_text()
    example = example.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    example = example.replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}")
    example = re.sub(r"^\s*(listen \[::\]|ssl_).*\n", "", example, flags=re.M)
    file = tmp_path / "nginx.conf"
    own = f"pid {tmp_path}/pid;\nerror_log stderr crit;\ndaemon off;\nevents {{}}\n"
    file.write_text(f"{own}http {{\naccess_log off;\n{example}\n}}\n")
    process = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-c", str(file)])
    try:
        _wait_until_ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        server.shutdown()
        server.server_close()
        thread.join()


def _wait_until_ready(port: int) -> None:
    for _ in range(100):
        try:
            _request(port, "GET", "/")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


def _request(
    port: int, method: str, path: str, headers: dict[str, str] | None = None
) -> tuple[int, str, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    result = answer.status, answer.headers["Content-Type"] or "", json.loads(answer.read())
    connection.close()
    return result


def test_the_port_is_kept(proxy: int) -> None:
    _, _, received = _request(proxy, "GET", "/", {"Host": "hub.example:8443"})
    assert (received["host"], received["x-forwarded-host"]) == ("hub.example:8443", "hub.example:8443")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/sales/import/invoice/", {"success": False, "message": "The body is too large."}),
        ("/api/auth/login/?x=1", {"success": False, "message": "The body is too large."}),
        ("/api/invoices", {"status": 413, "code": 41300, "message": "The body is too large."}),
        ("/api/v1/einvoices", {"message": "The body is too large."}),
        ("/api/salesperson", {"message": "The body is too large."}),
    ],
)
def test_a_body_that_nginx_refuses_gets_json(proxy: int, path: str, body: dict[str, object]) -> None:
    status, kind, answer = _request(proxy, "POST", path, {"Content-Length": str(40 * 2**20)})
    assert (status, kind, answer) == (413, "application/json", body)
