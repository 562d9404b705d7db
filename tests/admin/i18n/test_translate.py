"""Messages and stored reasons in the viewer's language, with the values that stand in them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask_babel import force_locale

from app.admin.i18n import labels
from app.admin.i18n.translate import translate
from app.einvoices import errors as einvoices
from app.einvoices.lifecycle.allowed_steps import STEPS as EINVOICE_STEPS
from app.einvoices.status import Status as EinvoiceStatus
from app.grn.papers.service import Paper
from app.kernel.http.app import Hub
from app.kernel.messages import Code, Message
from app.kernel.unit_of_work import unit_of_work
from app.sales import errors as sales
from app.sales.floor.steps import STEPS
from app.sales.queries.lookup import find_by_number
from app.sales.state_machine import Section, Status
from tests.admin import sample_data
from tests.admin.client import sign_in_client, submit_form
from tests.factories import a_user


def in_turkish(app: Hub, text: str) -> str:
    with app.test_request_context(headers={"Accept-Language": "tr"}), force_locale("tr"):
        return translate(text)


def wrong_state(step: str) -> str:
    errors = sales.WrongState(step, ["PICKED", "PACKING"], "PACKED").errors
    assert errors
    text: str = errors["invoice_no"][0]
    return text


@pytest.mark.parametrize(
    ("english", "turkish"),
    [
        ("Expected a list.", "Bir liste bekleniyor."),
        (
            Message(
                "Only %(left)s of %(quantity)s can still be given back.", left=Decimal("1.50"), quantity=Decimal(3)
            ),
            "3 adedin yalnızca 1,5 kadarı daha iade edilebilir.",
        ),
        (
            einvoices.WrongState("sent", "draft", {"cancel": "cancelled"}).message,
            "Durumu “Taslak” olan bir e-fatura için bu yapılamaz: Gönderme. Yapılabilecekler: İptal etme.",
        ),
        (
            sales.AlreadyHandled("A {0} %s", "Ali", "PICKING").message,
            "A {0} %s şu anda Ali adlı kişide (Toplanıyor).",
        ),
        (
            wrong_state(Code("packing.start", "start packing")),
            "“Paketlemeye başla” için faturanın durumu şu olmalı: Toplandı, Paketleniyor. Şu anki durumu: Paketlendi",
        ),
        (
            wrong_state(Message("cancel its session")),
            "“oturumunu iptal et” için faturanın durumu şu olmalı: Toplandı, Paketleniyor. Şu anki durumu: Paketlendi",
        ),
        (sales.AllRefused().message, "Hiçbir şey aktarılmadı: 1 tanesi reddedildi."),
        ("What somebody wrote.", "What somebody wrote."),
        (Message("%(name)s is named twice.", name="Not found."), "Not found. iki kez yazılmış."),
    ],
)
def test_a_message_keeps_its_values(app: Hub, english: str, turkish: str) -> None:
    assert in_turkish(app, english) == turkish


def test_in_english_it_is_what_the_api_says(app: Hub) -> None:
    with app.test_request_context(), force_locale("en"):
        message = wrong_state(Code("packing.start", "start packing"))
        assert translate(message) == message
        assert not translate(None)


def test_every_code_that_a_message_names_has_a_label() -> None:
    verbs = ("printed", *(step.verb for step in EINVOICE_STEPS.values()))
    codes = [*Status, *Section, *EinvoiceStatus, *(step.name for step in STEPS.values())]
    codes += [*(f"verb.{verb}" for verb in verbs), *(f"paper.{kind}" for kind in Paper)]
    assert not [code for code in codes if not labels.is_known(code)]


def test_a_page_shows_a_refusal_with_codes_and_values_in_turkish(app: Hub) -> None:
    with unit_of_work():
        user = a_user(role="warehouse", language="tr")
    client = app.test_client()
    sign_in_client(client, user)
    on = f"/admin/sales/{find_by_number(sample_data.import_invoice()).id}"
    answer = submit_form(client, f"{on}/steps/packing.start", page=on)
    assert answer.status_code == 303
    shown = client.get(on).text
    assert "“Paketlemeye başla” için faturanın durumu şu olmalı: Toplandı" in shown
    assert "Şu anki durumu: Faturalandı" in shown
