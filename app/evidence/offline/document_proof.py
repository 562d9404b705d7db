"""Check of the documents of a package against its chain: lists, VAT and files."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import Any

from app.evidence.offline.chain_check import DOCUMENTS, FURTHER, RECORDS, ROOTS, SEALED, STAMPS, Chain

LIST, VAT, SERIES = "documents.csv", "vat.csv", "series.csv"
OTHERS = ("manifest.json", "README.txt", "verify.py", LIST, VAT, SERIES, ROOTS, RECORDS, FURTHER, SEALED)
TEXTS = ("invoice_no", "type", "currency", "issued_at", "issued_on")
YES = {True: "yes", False: ""}
AMOUNTS = ("subtotal", "discount_total", "tax_total", "grand_total")


class Documents:
    """The documents of a package, compared with what the chain states about them."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.package = chain, chain.package
        self.rows: dict[int, dict[str, str]] = {}

    def check_lists(self) -> None:
        """Check that the list has every document of the period, and that each row says what the chain says."""
        unproven = 0
        for row in self.package.rows(LIST):
            number, einvoice = row["invoice_no"], int(row["id"])
            if einvoice in self.rows:
                self.chain.report(f"{number} stands twice in {LIST}.")
            self.rows[einvoice] = row
            if not self._is_of_period(row):
                self.chain.report(f"{number} in {LIST} is not of this period.")
            if einvoice in self.chain.issues:
                self._compare(row, self.chain.issues[einvoice], einvoice)
            elif not self.chain.manifest["chain"] or row["issued_at"] < self.chain.begun:
                unproven += 1
            else:
                self.chain.report(f"{number} in {LIST} has no record of its issue.")
        if unproven:
            self.chain.remark(f"{unproven} documents were issued before the chain began: nothing proves them.")
        for einvoice, facts in self.chain.issues.items():
            if einvoice not in self.rows and self._is_of_period(facts):
                self.chain.report(f"{facts['invoice_no']} was issued, and {LIST} does not have it.")

    def _is_of_period(self, row: dict[str, Any]) -> bool:
        return bool(row["issued_on"][:7] == self.chain.manifest["period"])

    def _compare(self, row: dict[str, str], facts: dict[str, Any], einvoice: int) -> None:
        wrong = [name for name in TEXTS if row[name] != facts[name]]
        wrong += [name for name in AMOUNTS if _amount(row[name]) != _amount(facts[name])]
        content = self.chain.contents.get(facts["position"])
        if content is not None:
            stated = {f"buyer_{name}": content["buyer"][name] for name in ("name", "tax_id")}
            stated["marketplace_order_no"] = content["marketplace_order_no"]
            wrong += [name for name, text in stated.items() if _bare(row[name]) != _bare(text or "")]
        if (row["status"] == "cancelled") != (einvoice in self.chain.cancelled):
            wrong.append("status")
        marks = {"is_test": bool(facts.get("is_test")), "corrected": einvoice in self.chain.corrected}
        wrong += [name for name, value in marks.items() if row[name] != YES[value]]
        if not self._is_original(row["original_no"], facts["original_id"]):
            wrong.append("original_no")
        for name in wrong:
            self.chain.report(f"{facts['invoice_no']}: {name} in {LIST} is not what the chain states.")

    def _is_original(self, number: str, original: int | None) -> bool:
        if original is None or not number:
            return original is None and not number
        known = self.chain.issues.get(original)
        return known is None or known["invoice_no"] == number

    def check_vat(self) -> None:
        """Add the VAT up again from the sealed contents."""
        sums: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
        for einvoice, row in self.rows.items():
            if row["status"] == "cancelled" or row["corrected"] or row["is_test"]:
                continue
            content = self.chain.contents.get(self.chain.issues.get(einvoice, {}).get("position", 0))
            if content is None:
                self.chain.remark(f"{VAT} cannot be checked: the content of {row['invoice_no']} is not there.")
                return
            for item in content["items"]:
                amounts = (item["net"], item["vat_amount"], item["total"])
                key = (row["currency"], row["type"], _rate(item["vat_rate"]))
                sums[key] = [one + Decimal(other) for one, other in zip(sums[key], amounts, strict=True)]
        listed = {}
        for row in self.package.rows(VAT):
            key = (row["currency"], row["type"], _rate(row["vat_rate"]))
            listed[key] = [_amount(row[name]) for name in ("net", "vat", "total")]
        for key in sorted(sums.keys() | listed.keys()):
            if sums.get(key) != listed.get(key):
                self.chain.report(f"{VAT}: {' '.join(key)} % is not the sum of the documents.")

    def check_files(self) -> None:
        """Check the bytes of each file, and that the package has no other file."""
        owners = {facts["sha256"]: einvoice for (einvoice, _), (_, facts) in self.chain.artefacts.items()}
        expected = {f"pdf/{row['invoice_no']}.pdf": (einvoice, "pdf") for einvoice, row in self.rows.items()}
        expected |= self._documents()
        for name, artefact in expected.items():
            self._check_file(name, artefact, owners)
        stated = self.chain.manifest["files"]
        for name, digest in stated.items():
            if name not in self.package.names:
                self.chain.report(f"{name} is missing.")
            elif self.package.digest(name)[0] != digest:
                self.chain.report(f"{name} was changed since the export.")
        stamps = {name for name in stated if name.startswith(STAMPS)}
        for name in sorted(self.package.names.keys() - {*OTHERS, *expected, *stamps}):
            self.chain.report(f"{name} does not belong to the package.")
        for name, count in sorted(self.package.names.items()):
            if count > 1:
                self.chain.report(f"{name} is in the package twice.")

    def _documents(self) -> dict[str, tuple[int, str]]:
        """The files that are no PDFs, by name; one that is not there is named without its suffix."""
        there = {name.rpartition(".")[0]: name for name in self.package.names if name.startswith(DOCUMENTS)}
        expected = {}
        for einvoice, kind in self.chain.artefacts:
            if kind != "pdf" and einvoice in self.rows:
                bare = f"{DOCUMENTS}{kind}/{self.rows[einvoice]['invoice_no']}"
                expected[there.get(bare, bare)] = (einvoice, kind)
        return expected

    def _check_file(self, name: str, artefact: tuple[int, str], owners: dict[str, int]) -> None:
        einvoice, _ = artefact
        position, facts = self.chain.artefacts.get(artefact, (0, {}))
        if name not in self.package.names:
            if not facts:
                self.chain.remark(f"{name}: no PDF had been made when the package was exported.")
            elif facts["sha256"] in self.chain.removed:
                self.chain.remark(f"{name} was {self.chain.removed[facts['sha256']]}.")
            else:
                self.chain.report(f"{name} is missing: record {position} states that it was made.")
            return
        if not facts:
            if einvoice in self.chain.issues:
                self.chain.report(f"{name} has no record.")
            return
        found, size = self.package.digest(name)
        if (found, size) == (facts["sha256"], facts["size"]):
            return
        other = self.rows.get(owners.get(found, 0))
        cause = f"it is the file of {other['invoice_no']}" if other else f"it is not the file of record {position}"
        self.chain.report(f"{name} was changed: {cause}.")


def _bare(text: str) -> str:
    """A text without the apostrophes that keep spreadsheets from computing it."""
    return text.replace("'", "")


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _rate(text: str) -> str:
    """A rate without zeros at its end."""
    return f"{_amount(text).normalize():f}"
