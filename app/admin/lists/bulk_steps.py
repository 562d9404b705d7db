"""Steps with the chosen rows of a list: each row by itself, with its own result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import render_template, request

from app.admin.error_pages import error_text, own_page
from app.extensions import db
from app.kernel.database.sequences import read_id
from app.kernel.errors import Invalid, Refusal
from app.kernel.messages import N_, Message
from app.kernel.pagination.limits import MAX_PAGE_SIZE

#: The rows of one step: as many as a page has at most.
MAX_CHOSEN = MAX_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row: the text of its success, or why it was refused."""

    row_id: int
    text: str
    is_done: bool


def chosen_ids() -> list[int]:
    """The chosen rows, oldest first; all requests lock them in this order.

    Raises:
        Invalid: none is chosen, too many are, or one is no id.
    """
    sent = set(request.form.getlist("ids"))
    if not sent:
        raise Invalid({"ids": [N_("Choose at least one row.")]})
    if len(sent) > MAX_CHOSEN:
        raise Invalid({"ids": [Message(N_("Choose at most %(n)s rows."), n=MAX_CHOSEN)]})
    ids = {read_id(each) for each in sent}
    if None in ids:
        raise Invalid({"ids": [N_("Expected an id.")]})
    return sorted(each for each in ids if each is not None)


def run_each(ids: Sequence[int], step: Callable[[int], str]) -> list[Result]:
    """Run ``step`` for each row in a savepoint: a refusal undoes that row alone.

    Args:
        step: takes the id of a row and returns the text of its success.
    """
    results = []
    for row_id in ids:
        try:
            with db.session.begin_nested():
                results.append(Result(row_id, step(row_id), is_done=True))
        except Refusal as refusal:
            results.append(Result(row_id, error_text(refusal), is_done=False))
    return results


def show_results(title: str, results: Sequence[Result], names: dict[int, str], urls: dict[int, str]) -> str:
    """Page with the result of each row, the refused ones first."""
    return render_template(
        "admin/bulk_results.html",
        title=title,
        results=sorted(results, key=lambda result: result.is_done),
        done=sum(result.is_done for result in results),
        names=names,
        urls=urls,
        back_url=own_page(request.form.get("back", "")),
    )
