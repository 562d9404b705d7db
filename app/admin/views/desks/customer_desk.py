"""``/admin/sales/customers/{id}``: a customer with what legal documents need; who may import may change it."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.admin.forms.base import submit
from app.admin.helpers import load_data, redirect_with_success, submitted_version
from app.admin.legal_forms.customer_form import CustomerForm, version_of
from app.kernel.errors import Conflict
from app.kernel.messages import N_
from app.sales import masters
from app.sales.access import actor
from app.sales.models.masters import Customer
from app.sales.schemas.masters import CustomerEditSchema

blp = Blueprint("customer_desk", __name__, url_prefix="/sales/customers")
_WRITE = "sales:import"


class ChangedCustomer(Conflict):
    message = N_("Not saved: somebody else changed it after you opened it.")


@blp.get("/<int:customer_id>")
@requires("sales:read")
def show(customer_id: int) -> str:
    """The form of a customer; without the ability to import it is read only."""
    customer = masters.find_customer(customer_id)
    return _page(CustomerForm.from_customer(customer), customer)


@blp.post("/<int:customer_id>")
@requires(_WRITE)
def change(customer_id: int) -> str | Response:
    """Store the changes; nothing is stored if somebody else changed the customer meanwhile."""
    form = CustomerForm()
    form.version.data = submitted_version()
    if form.validate_on_submit() and (saved := submit(form, lambda: _change(form, customer_id))):
        message = gettext("“%(name)s” is stored.", name=saved.name)
        return redirect_with_success(message, "admin.customer_desk.show", customer_id=customer_id)
    customer = masters.find_customer(customer_id)
    present = version_of(customer)
    return _page(form, customer, newer=None if form.version.data == present else present)


def _change(form: CustomerForm, customer_id: int) -> Customer:
    if form.version.data != version_of(masters.find_customer(customer_id)):
        raise ChangedCustomer
    data = load_data(CustomerEditSchema(), form.api_data())
    return masters.edit_customer(customer_id, data, actor())


def _page(form: CustomerForm, customer: Customer, newer: str | None = None) -> str:
    may_write = _WRITE in authenticate().abilities
    return render_template("admin/customers_show.html", form=form, customer=customer, may_write=may_write, newer=newer)
