"""One Chromium for all tests of a process, because Playwright cannot be started twice in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

#: The shell has no user interface, so it needs a third less time.
_CHROMIUM = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
#: A host name of this machine that browsers do not treat as secure over http, unlike ``localhost``.
LAN_HOST = "hub.lan.test"
_NAMES = f"--host-resolver-rules=MAP {LAN_HOST} 127.0.0.1"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=15_000)  # the machine may be busy
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=[*_QUIET, _NAMES])
        yield chromium
        chromium.close()
