"""Benchmark: issuing with and without the frozen form, and the readiness of a draft for each profile."""

from __future__ import annotations

import statistics
import time
from unittest import mock

from flask.testing import FlaskClient

from app.einvoices.documents import frozen_forms, profile_findings
from app.einvoices.queries.lookup import find
from app.einvoices.sellers import profile_of
from app.kernel.unit_of_work import unit_of_work
from app.rules.profiles import LegalProfile
from bench.bench_evidence import DRAFT, URL, fill, post
from bench.figures import print_figure
from bench.sizes import hubs, in_turns

ROUNDS, WARM_UP = 400, 50


def run() -> None:
    """Print the ratio of both ways to issue, and the time of the readiness of a five-line draft."""
    with hubs((0,), fill) as (client,):
        _compare_issues(client)
        _measure_readiness(client)


def _compare_issues(client: FlaskClient) -> None:
    ids = iter([post(client, URL, DRAFT)["id"] for _ in range(2 * (ROUNDS + WARM_UP))])

    def without() -> None:
        with mock.patch.object(frozen_forms, "freeze", return_value=None):
            post(client, f"{URL}/{next(ids)}/issue", None)

    def with_form() -> None:
        post(client, f"{URL}/{next(ids)}/issue", None)

    times = in_turns((without, with_form), ROUNDS, WARM_UP)
    before, after = map(statistics.median, times)
    print(f"\nIssue, in turns, {ROUNDS} times: without form {before:.2f} ms, with form {after:.2f} ms")
    print_figure("issues with the frozen form / without", before / after, aim="at least 0.95")


def _measure_readiness(client: FlaskClient) -> None:
    einvoice_id = post(client, URL, DRAFT)["id"]
    for profile in LegalProfile:
        times = []
        for _ in range(ROUNDS):
            with client.application.app_context(), unit_of_work():
                einvoice = find(einvoice_id, None)
                seller = profile_of(einvoice.owner_id)
                started = time.perf_counter()
                profile_findings.findings_of(einvoice, seller, [profile])
                times.append(1000 * (time.perf_counter() - started))
        print_figure(f"readiness for {profile.value}, ms", times, aim="at most 10")
