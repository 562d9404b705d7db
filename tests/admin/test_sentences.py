"""Sentences of the hub in the viewer's language, with the values that stand in them."""

from __future__ import annotations

import pytest
from flask_babel import force_locale

from app.admin.i18n.translate import translate
from app.einvoices.errors import WrongState
from app.kernel.http.app import Hub
from app.sales import errors


def in_turkish(app: Hub, text: str) -> str:
    with app.test_request_context(), force_locale("tr"):
        return translate(text)


@pytest.mark.parametrize(
    ("english", "turkish"),
    [
        ("Expected a list.", "Bir liste bekleniyor."),
        ("Only 1.5 of 3 can still be given back.", "3 adedin yalnızca 1.5 kadarı daha iade edilebilir."),
        ("'10.0.0' is neither an address nor a network.", "'10.0.0' ne bir adres ne de bir ağ."),
        (WrongState("sent", "draft").message, "Durumu “Taslak” olan bir e-fatura için bu yapılamaz: Gönderme."),
        (
            errors.AlreadyHandled("A {0} %s", "Ali", "PICKING").message,
            "A {0} %s şu anda Ali adlı kişide (Toplanıyor).",
        ),
        (
            errors.WrongState("start packing", ["PICKED", "PACKING"], "PACKED").errors["invoice_no"][0],  # type: ignore[index]
            "“Paketlemeye başla” için faturanın durumu şu olmalı: Toplandı, Paketleniyor. Şu anki durumu: Paketlendi",
        ),
        ("What somebody wrote.", "What somebody wrote."),
    ],
)
def test_a_sentence_keeps_its_values(app: Hub, english: str, turkish: str) -> None:
    assert in_turkish(app, english) == turkish


def test_in_english_it_is_what_the_api_says(app: Hub) -> None:
    with app.test_request_context(), force_locale("en"):
        assert translate("Only 1 of 3 can still be given back.") == "Only 1 of 3 can still be given back."
        assert not translate(None)
