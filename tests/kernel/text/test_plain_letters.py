"""Letters without case and accents: Python and SQL give the same."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.text.plain_letters import folded, folded_sql

TEXTS = {
    "Şahin": "sahin",
    "İSTANBUL ıstanbul": "istanbul istanbul",
    "José MÜLLER": "jose muller",
    "Ørsted Łódź Đorđe": "orsted lodz dorde",
    "Straße Œuvre Æther Þór": "strasse oeuvre aether thor",
    "Ελλάς Йод": None,
    "ﬁne ½": None,
    "plain 123 _-%": "plain 123 _-%",
}


@pytest.mark.parametrize("typed", TEXTS)
def test_sql_folds_as_python_does(app: Hub, typed: str) -> None:
    assert TEXTS[typed] in {None, folded(typed)}
    assert db.session.scalar(text(f"SELECT {folded_sql(':typed')}"), {"typed": typed}) == folded(typed)
