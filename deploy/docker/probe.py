"""Health check of the web container. It does not import the hub, because that takes a second."""

from __future__ import annotations

import http.client
import os
import sys

HTTP_OK = 200


def main() -> int:
    """Return 0 when ``/readyz`` answers 200; otherwise print the reason and return 1."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if response.status != HTTP_OK:
        sys.stderr.write(f"{response.status} {body}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
