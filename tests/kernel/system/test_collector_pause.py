"""The pause of the garbage collector: none during the block, and none of its cycles left after it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from app.einvoices.pdf import context
from app.kernel.system.collector_pause import collector_paused
from app.pdf import renderer
from bench.bench_pdf import invoice_data


class _Cycle:
    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def _collections_of(work: object) -> list[int]:
    """The generations that are collected while ``work`` runs."""
    seen: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    gc.callbacks.append(note)
    try:
        work()  # type: ignore[operator]
    finally:
        gc.callbacks.remove(note)
    return seen


def test_cycles_of_the_block_are_freed_at_its_end() -> None:
    def work() -> weakref.ref[_Cycle]:
        assert not gc.isenabled()
        return weakref.ref(_Cycle())

    with collector_paused():
        left = work()
        assert left() is not None
    assert left() is None
    assert gc.isenabled()


def test_an_error_resumes_the_collector() -> None:
    with pytest.raises(ValueError, match="x"), collector_paused():
        raise ValueError("x")
    assert gc.isenabled()


def test_an_inner_pause_does_not_resume_the_collector() -> None:
    with collector_paused():
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_rendering_collects_once() -> None:
    data = invoice_data(5)
    renderer.render(context.TEMPLATES, context.TEMPLATE, data)  # loads the fonts
    html = renderer.to_html(context.TEMPLATES, context.TEMPLATE, data)
    style = renderer.styles(context.TEMPLATES, context.TEMPLATE)
    gc.collect()
    assert _collections_of(lambda: renderer.html_to_pdf(html, *style)) == [0]
