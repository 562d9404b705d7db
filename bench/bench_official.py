"""Benchmark: the official rules for a document of five lines in each format, after the rules are compiled."""

from __future__ import annotations

import functools
import time

from app.formats.writers.document_writer import write_document
from app.rules.official.official_sets import FORMATS, find_sets
from app.rules.official.second_opinion import official_opinion
from bench.bench_legal import invoice_of
from bench.bench_pdf import cpu_ms
from bench.figures import print_figure

LINES, ROUNDS = 5, 40
#: Aim: most milliseconds of a check.
_MOST_MS = 50


def run() -> None:
    """Print the CPU time of a check of each format, and the time of the first one, which compiles the rules."""
    sets = find_sets(None)
    for each in FORMATS:
        document = write_document(invoice_of(LINES), each)
        check = functools.partial(official_opinion, document.content, document.form, sets)
        began = time.perf_counter()
        check()
        first = (time.perf_counter() - began) * 1000
        times = [cpu_ms(check) for _ in range(ROUNDS)]
        print(f"{each.value}: the first check, which compiles the rules, took {first:.0f} ms")
        print_figure(f"official rules of {each.value}, ms of CPU", times, "{:.1f}", f"at most {_MOST_MS}")
