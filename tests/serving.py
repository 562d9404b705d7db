"""Running an HTTP server in a thread of the test process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

#: Seconds within which a server notices that it shall end; the default of the library is half a second.
POLL_SECONDS = 0.02


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Serve while the context is open, and free the port afterwards."""
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
