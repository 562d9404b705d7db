"""``/api/v1/einvoices/seller``: the caller's own seller profile."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts.ownership import actor, owner_id
from app.einvoices import samples, sellers
from app.einvoices.access import requires_einvoices
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.schemas.sellers import SellerChangeSchema, SellerSchema
from app.kernel.http.app import ApiBlueprint

blp = ApiBlueprint(
    "Seller", __name__, url_prefix="/api/v1/einvoices/seller", description="What your e-invoices print of you."
)


@blp.route("")
class Profile(MethodView):
    @requires_einvoices("einvoices:read")
    @blp.response(200, SellerSchema, example=samples.SELLER)
    def get(self) -> SellerProfile:
        """Read your seller profile: what your e-invoices print, and the defaults of new drafts."""
        return sellers.profile_of(owner_id())

    @requires_einvoices("einvoices:write")
    @blp.arguments(SellerChangeSchema, example={"tax_id": "1234567890", "address": "Sanayi Cad. 1, Bursa"})
    @blp.response(200, SellerSchema, example=samples.SELLER)
    def patch(self, data: dict[str, Any]) -> SellerProfile:
        """Change your seller profile; issued e-invoices keep what they had at their issue."""
        return sellers.save(owner_id(), actor=actor(), **data)
