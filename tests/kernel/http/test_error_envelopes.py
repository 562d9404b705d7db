"""The registry of error envelopes: which envelope a path has."""

from __future__ import annotations

import pytest

from app.kernel.errors import Refusal
from app.kernel.http import error_envelopes
from app.kernel.http.error_envelopes import EVERY_PATH, Envelope, Json, envelope_of, flatten_errors, register_envelope


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/sales", "SalesError"),
        ("/api/sales/import/invoice/", "SalesError"),
        ("/api/auth/login/", "SalesError"),
        ("/api/invoices", "GrnError"),
        ("/api/invoices/1/fabric-items/2/ledgers", "GrnError"),
        ("/invoices/1/fabricItems/2/ledgers", "GrnError"),
        ("/api/suppliers/1", "GrnError"),
        ("/api/fabrics", "GrnError"),
        ("/api/orders", "GrnError"),
        ("/api/products", "GrnError"),
        ("/api/v1/einvoices/1", "ApiError"),
        ("/api/v1/events", "ApiError"),
        ("/api/salesmen", "ApiError"),
        ("/api/invoices2", "ApiError"),
        ("/healthz", "ApiError"),
        ("/", "ApiError"),
    ],
)
def test_a_path_prefix_chooses_the_envelope(path: str, name: str) -> None:
    assert envelope_of(path).name == name


class Everywhere(Envelope):
    name = "Everywhere"
    prefixes = (EVERY_PATH,)
    authentication = {}

    def body(self, refusal: Refusal) -> Json:
        return {"text": refusal.message}

    def schema(self) -> Json:
        return {}


class Orders(Everywhere):
    name = "Orders"
    prefixes = ("/orders",)


@pytest.fixture
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_envelopes, "_registered", [])


@pytest.mark.usefixtures("empty_registry")
class TestRegistry:
    @pytest.mark.parametrize("kinds", [(Everywhere, Orders), (Orders, Everywhere)])
    def test_the_order_of_registration_does_not_matter(self, kinds: tuple[type[Envelope], ...]) -> None:
        for kind in kinds:
            register_envelope(kind())
        assert [envelope_of(path).name for path in ("/orders", "/orders/1", "/orders2", "/")] == [
            "Orders",
            "Orders",
            "Everywhere",
            "Everywhere",
        ]

    def test_a_prefix_cannot_be_registered_twice(self) -> None:
        register_envelope(Orders())
        with pytest.raises(ValueError, match="/orders"):
            register_envelope(Orders())

    def test_a_path_without_any_envelope_is_an_error(self) -> None:
        register_envelope(Orders())
        with pytest.raises(LookupError, match="/invoices"):
            envelope_of("/invoices")


def test_flattening_accepts_a_single_sentence() -> None:
    assert list(flatten_errors({"a": "Wrong."})) == [(("a",), ["Wrong."])]
