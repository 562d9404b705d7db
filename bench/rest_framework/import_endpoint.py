"""The import endpoint as a usual Django REST Framework application: the same checks and tables, no events, no audit.

It runs in an environment of its own (``requirements.txt`` beside it).
``DATABASE_URL`` and ``API_KEY`` are its settings.
"""

import decimal
import hmac
import os
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

address = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="a secret of the benchmarks",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # it sets Content-Length
    INSTALLED_APPS=["rest_framework"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": address.path[1:],
            "USER": address.username or "",
            "HOST": address.hostname or parse_qs(address.query)["host"][0],
            "PORT": address.port or "",
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - the settings come first
from django.db import connection, models, transaction  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import permissions, serializers, status  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


def text(length, **options):
    return models.CharField(max_length=length, blank=True, default="", **options)


def price(**options):
    return models.DecimalField(max_digits=14, decimal_places=4, **options)


def amount():
    return models.DecimalField(max_digits=20, decimal_places=2)


class Table(models.Model):
    class Meta:
        abstract = True
        app_label = "sales"


class Customer(Table):
    code = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    area, address1, address2, address3 = text(200), text(300), text(300), text(300)
    pincode, phone1, phone2, email = text(20), text(50), text(50), text(254)
    created_at, updated_at = models.DateTimeField(auto_now_add=True), models.DateTimeField(auto_now=True)


class Salesman(Table):
    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)


class Invoice(Table):
    invoice_no = models.CharField(max_length=50, unique=True)
    invoice_date = models.DateField()
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    salesman = models.ForeignKey(Salesman, on_delete=models.PROTECT, null=True)
    created_by, temp_name, remarks = text(200), text(200), text(1000)
    priority = models.CharField(max_length=10)
    status = models.CharField(max_length=20, default="INVOICED", db_index=True)
    billing_status = models.CharField(max_length=20, default="BILLED", db_index=True)
    total_amount = amount()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)


class Item(Table):
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="items")
    line_no = models.IntegerField()
    name = models.CharField(max_length=300)
    item_code = models.CharField(max_length=100)
    barcode, company_name, packing = text(100), text(200), text(100)
    shelf_location, batch_no, remarks = text(100), text(100), text(1000)
    expiry_date = models.DateField(null=True)
    quantity = models.IntegerField()
    mrp, line_total = price(), amount()


TABLES = (Customer, Salesman, Invoice, Item)


class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Customer
        fields = ("code", "name", "area", "address1", "address2", "address3", "pincode", "phone1", "phone2", "email")
        extra_kwargs = {"code": {"validators": []}}  # a customer that is stored is updated


class ItemSerializer(serializers.ModelSerializer):
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000_000)
    mrp = serializers.DecimalField(max_digits=14, decimal_places=4, min_value=decimal.Decimal(0))

    class Meta:
        model = Item
        fields = (
            *("name", "item_code", "barcode", "quantity", "mrp", "company_name", "packing", "shelf_location"),
            *("batch_no", "expiry_date", "remarks"),
        )


class InvoiceSerializer(serializers.ModelSerializer):
    customer = CustomerSerializer()
    salesman = serializers.CharField(max_length=200, required=False, allow_null=True)
    priority = serializers.ChoiceField(["LOW", "MEDIUM", "HIGH"], default="MEDIUM")
    items = ItemSerializer(many=True, allow_empty=False, max_length=2000)

    class Meta:
        model = Invoice
        fields = (
            *("invoice_no", "invoice_date", "salesman", "created_by", "priority", "customer", "items"),
            *("temp_name", "remarks"),
        )

    def create(self, validated_data):
        items, facts = validated_data.pop("items"), validated_data.pop("customer")
        name = validated_data.pop("salesman", None)
        totals = [round(item["quantity"] * item["mrp"], 2) for item in items]
        with transaction.atomic():
            customer = self._customer(facts)
            salesman = Salesman.objects.get_or_create(name=name)[0] if name else None
            invoice = Invoice.objects.create(
                customer=customer, salesman=salesman, total_amount=sum(totals), **validated_data
            )
            Item.objects.bulk_create(
                Item(invoice=invoice, line_no=number, line_total=total, **item)
                for number, (item, total) in enumerate(zip(items, totals, strict=True), 1)
            )
        return invoice

    @staticmethod
    def _customer(facts):
        """The customer, updated only when something has changed."""
        customer, is_new = Customer.objects.get_or_create(code=facts["code"], defaults=facts)
        changed = {} if is_new else {name: value for name, value in facts.items() if getattr(customer, name) != value}
        if changed:
            for field, value in changed.items():
                setattr(customer, field, value)
            customer.save(update_fields=[*changed, "updated_at"])
        return customer


class HasKey(permissions.BasePermission):
    def has_permission(self, request, view):
        return hmac.compare_digest(request.headers.get("X-Api-Key", ""), os.environ["API_KEY"])


class Import(APIView):
    permission_classes = (HasKey,)

    def post(self, request):
        """Store an invoice with its customer, salesman and items."""
        serializer = InvoiceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        invoice = serializer.save()
        data = {
            "id": invoice.id,
            "invoice_no": invoice.invoice_no,
            "total_amount": float(invoice.total_amount),
            "status": invoice.status,
            "billing_status": invoice.billing_status,
            "priority": invoice.priority,
            "created_at": invoice.created_at,
        }
        answer = {"success": True, "message": "Invoice imported successfully", "data": data}
        return Response(answer, status=status.HTTP_201_CREATED)


urlpatterns = [path("api/sales/import/invoice/", Import.as_view())]
application = WSGIHandler()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        for table in TABLES:
            editor.create_model(table)
