"""What ``bench_streams`` runs in a process with the settings of the hub: it makes the users who read streams."""

from __future__ import annotations

import json
import sys

from app.accounts import users
from app.accounts.models.tokens import MAX_CALLS_PER_MINUTE
from app.accounts.tokens import service as tokens
from app.kernel.unit_of_work import unit_of_work
from wsgi import app


def make(count: str, per_user: str) -> list[str]:
    """Make users with so many tokens each; returns the tokens."""
    made = []
    with unit_of_work():
        for number in range(int(count)):
            user = users.create_user(
                email=f"reader{number}@hub.example", password=None, role="admin", name="Reader", actor="bench"
            )
            for _ in range(int(per_user)):
                _, token = tokens.create(
                    user, name="Stream", abilities=["sales:read"], actor="bench", calls=MAX_CALLS_PER_MINUTE
                )
                made.append(token)
    return made


if __name__ == "__main__":
    with app.app_context():
        print(json.dumps(make(*sys.argv[2:])))
