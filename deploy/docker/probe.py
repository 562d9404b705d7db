"""Whether the web process of this container is ready; by itself, because loading the hub would take a second."""

from __future__ import annotations

import http.client
import os
import sys

HTTP_OK = 200


def main() -> int:
    """0 when ``/readyz`` answers 200, else 1 with the reason."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(1000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if answer.status != HTTP_OK:
        sys.stderr.write(f"{answer.status} {said}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
