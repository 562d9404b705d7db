"""The verdict: no finding on lawful documents of any named rule, and a finding for every changed cent."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.formats.document_reader import Source, read_document
from app.rules.sums.exact import Verdict, verdict
from tests.formats.lawful import CENT, MODES, WRITERS, Document, Row, cii, inv01, ubl, ubl_tr

_AMOUNT = re.compile(rb'<(?:cbc|ram):\w*Amount[^>]*>(-?\d+(?:\.\d+)?)</|"\w*(?:Amt|Val|Price|Discount)": (-?\d+\.?\d*)')
_SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))

cents = st.integers(1, 99_999).map(lambda value: Decimal(value).scaleb(-2))
rows = st.builds(
    Row,
    quantity=st.integers(1, 500).map(Decimal),
    price=cents,
    discount=st.one_of(st.just(Decimal(0)), st.integers(1, 99).map(lambda value: Decimal(value).scaleb(-2))),
    rate=st.sampled_from([Decimal(each) for each in ("0", "1", "5.5", "10", "18", "20")]),
)
rules = st.builds(str.__add__, st.sampled_from(["per_rate", "per_line"]), st.sampled_from(sorted(MODES)))
small = st.one_of(st.just(Decimal(0)), cents)


@st.composite
def documents(draw: st.DrawFn, name: str) -> Document:
    """A lawful document that the format ``name`` can say."""
    is_european = name in {"ubl", "cii"}
    return Document(
        draw(st.lists(rows, min_size=1, max_size=5)),
        rule=draw(rules) if name != "inv-01" else "per_line" + draw(st.sampled_from(sorted(MODES))),
        allowance=draw(small) if is_european else Decimal(0),
        charge=draw(small) if is_european else Decimal(0),
        prepaid=draw(small) if is_european else Decimal(0),
        cash_step=draw(st.sampled_from([Decimal(0), Decimal("0.05"), Decimal(1)])),
        withheld=draw(st.sampled_from([Decimal(0), Decimal(40), Decimal(90)])) if name == "ubl-tr" else Decimal(0),
    )


def check(content: bytes) -> Verdict:
    return verdict(read_document(Source(content)))


@pytest.mark.parametrize("name", WRITERS)
class TestEveryFormat:
    @_SETTINGS
    @given(data=st.data())
    def test_a_lawful_document_has_no_finding(self, name: str, data: st.DataObject) -> None:
        found = check(WRITERS[name](data.draw(documents(name))))
        assert found.findings == ()

    @_SETTINGS
    @given(data=st.data())
    def test_every_changed_cent_is_found(self, name: str, data: st.DataObject) -> None:
        content = WRITERS[name](data.draw(documents(name)))
        places = list(_AMOUNT.finditer(content))
        match = data.draw(st.sampled_from(places))
        group = 1 if match[1] else 2
        amount = Decimal(match[group].decode()) + data.draw(st.sampled_from([CENT, -CENT]))
        changed = content[: match.start(group)] + str(amount).encode() + content[match.end(group) :]
        assert check(changed).findings


def example(**facts: Decimal | str) -> Document:
    lines = [
        Row(Decimal(3), Decimal("33.35"), Decimal("0.10"), Decimal(18)),
        Row(Decimal(7), Decimal("1.29"), Decimal(0), Decimal(18)),
        Row(Decimal(1), Decimal("12.25"), Decimal(0), Decimal(10)),
    ]
    return Document(lines, **facts)  # type: ignore[arg-type]


def replaced(content: bytes, old: str, new: str) -> bytes:
    assert content.count(old.encode()) == 1
    return content.replace(old.encode(), new.encode())


class TestNamedRules:
    @pytest.mark.parametrize("rule", ["per_rate", "per_line", "per_rate_half_even", "per_line_half_even"])
    def test_the_rule_is_told(self, rule: str) -> None:
        """Two lines of 0.25 at 10 %: 0.05 or 0.06 or 0.04; one line of 0.25: 0.03 or 0.02."""
        price = Decimal("0.25")
        lines = [
            Row(Decimal(1), price, Decimal(0), Decimal(10)) for _ in range(1 if rule == "per_rate_half_even" else 2)
        ]
        assert check(ubl(Document(lines, rule=rule))).rule == rule

    def test_cash_rounding_is_told(self) -> None:
        assert check(cii(example(cash_step=Decimal("0.05")))).rule == "per_rate+cash_rounding"

    def test_items_of_gst_are_told(self) -> None:
        assert check(inv01(example())).rule == "gst_item"

    def test_prices_with_hidden_decimals_are_a_tolerance(self) -> None:
        """4.333 × 3 = 13.00; the price is printed as 4.33, and 4.33 × 3 = 12.99."""
        content = ubl(Document([Row(Decimal(3), Decimal("4.333"), Decimal(0), Decimal(20))]))
        found = check(replaced(content, "4.333", "4.33"))
        assert (found.rule, found.findings) == ("per_rate+line_tolerance", ())

    @pytest.mark.parametrize("way", ["tax_after_withholding", "total_after_withholding"])
    def test_withholding_may_be_taken_off_earlier(self, way: str) -> None:
        doc = example(withheld=Decimal(90))
        content, net = ubl_tr(doc), doc.inclusive - doc.withholding
        total = '<cbc:TaxInclusiveAmount currencyID="EUR">'
        content = replaced(content, f"{total}{doc.inclusive:.2f}", f"{total}{net:.2f}")
        if way == "tax_after_withholding":
            tax = '</cac:AccountingSupplierParty><cac:TaxTotal><cbc:TaxAmount currencyID="EUR">'
            content = replaced(content, f"{tax}{doc.tax:.2f}", f"{tax}{doc.tax - doc.withholding:.2f}")
        found = check(content)
        assert (found.findings, way in found.rules) == ((), way == "tax_after_withholding" or way in found.rules)


class TestFindings:
    @pytest.mark.parametrize("write", [ubl, cii])
    def test_a_wrong_vat_that_the_official_rules_pass(self, write: object) -> None:
        """EN 16931 allows ±1 between base × rate and VAT."""
        doc = example()
        base, tax = doc.vat[Decimal(10)]
        doc.vat[Decimal(10)] = (base, tax + Decimal("0.90"))
        doc.tax += Decimal("0.90")
        doc.inclusive += Decimal("0.90")
        doc.payable += Decimal("0.90")
        assert check(WRITERS["ubl" if write is ubl else "cii"](doc)).findings

    def test_a_payable_of_1(self) -> None:
        doc = example()
        doc.payable = Decimal(1)
        (finding,) = check(ubl_tr(doc)).findings
        assert (finding.field, finding.got, finding.expected) == ("totals.payable", "1.00", f"{doc.inclusive}")
        assert finding.rule == "PayableAmount"

    def test_one_wrong_amount_is_one_finding(self) -> None:
        doc = example()
        content = replaced(ubl(doc), f">{doc.rows[1].net}<", f">{doc.rows[1].net + CENT}<")
        (finding,) = check(content).findings
        assert (finding.field, finding.got, finding.expected) == ("lines[1].net", "9.04", "9.03")

    def test_a_missing_total_of_allowances(self) -> None:
        doc = example(allowance=Decimal(5))
        missing = '<cbc:AllowanceTotalAmount currencyID="EUR">5.00</cbc:AllowanceTotalAmount>'
        (finding,) = check(replaced(ubl(doc), missing, "")).findings
        assert (finding.field, finding.got, finding.expected) == ("totals.allowances", None, "5.00")

    def test_what_is_no_number(self) -> None:
        content = replaced(ubl(example()), ">9.03<", ">9,03<")
        (finding,) = check(content).findings
        assert (finding.field, finding.got, finding.rule) == ("InvoiceLine/LineExtensionAmount", "9,03", "NUMBER")


class TestInv01:
    def test_all_taxes_of_an_item(self) -> None:
        """Cess with a rate and a fixed part, state cess, other charges of the item and of the invoice."""
        item = {"SlNo": "1", "Qty": 10.5, "UnitPrice": 99.545, "TotAmt": 1045.22, "Discount": 45.22, "AssAmt": 1000}
        item |= {"GstRt": 12.0, "IgstAmt": 120, "CesRt": 5, "CesAmt": 50, "CesNonAdvlAmt": 10, "StateCesRt": 1}
        item |= {"StateCesAmt": 10, "StateCesNonAdvlAmt": 5, "OthChrg": 7, "TotItemVal": 1202}
        sums = {"AssVal": 1000, "IgstVal": 120, "CesVal": 60, "StCesVal": 15, "Discount": 2, "OthChrg": 20.5}
        sums |= {"RndOffAmt": 0.5, "TotInvVal": 1221}
        content = json.dumps({"Version": "1.1", "ItemList": [item], "ValDtls": sums}).encode()
        assert check(content).rule == "gst_item+cash_rounding"
        for name, value in [*item.items(), *sums.items()]:
            if name.endswith(("Amt", "Val", "Price", "Discount", "OthChrg")):
                old, new = f'"{name}": {value}'.encode(), f'"{name}": {Decimal(str(value)) + CENT}'.encode()
                places = [m.start() for m in re.finditer(re.escape(old) + b"[,}]", content)]
                assert places, name
                for place in places:
                    assert check(content[:place] + new + content[place + len(old) :]).findings, name


def test_taxes_of_an_item_that_are_rounded_to_nothing() -> None:
    """1 % of 1.00 is half a paisa each for CGST and SGST; the states say that IGST is not due."""
    document = Document([Row(Decimal(1), Decimal(1), Decimal(0), Decimal(1))], rule="per_line_half_even")
    content = WRITERS["inv-01"](document)
    assert (check(content).rule, check(content).findings) == ("gst_item_half_even", ())
    between_states = content.replace(b'"Pos": "29"', b'"Pos": "27"')
    assert between_states != content
    assert [each.rule for each in check(between_states).findings] == ["IGST"]
