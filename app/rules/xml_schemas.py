"""``schema_findings()``: XML schemas of UBL 2.1, CII, Factur-X, ZUGFeRD 1.0 and UBL-TR, from packages."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata, util
from pathlib import Path
from threading import Lock

from lxml import etree

from app.formats.canonical import Format, Invoice
from app.kernel.messages import N_
from app.rules.findings import RuleFinding, RuleSet, Severity
from app.rules.fingerprints import package_sha256

#: Findings of one document.
_MOST = 50
#: Parts of the specification (BT-24) that name a profile of Factur-X, and the folder of its schema.
_FACTUR_X = {
    "factur-x.eu:1p0:minimum": "facturx-minimum/Factur-X_MINIMUM.xsd",
    "factur-x.eu:1p0:basicwl": "facturx-basicwl/Factur-X_BASICWL.xsd",
    "factur-x.eu:1p0:basic": "facturx-basic/Factur-X_BASIC.xsd",
    "factur-x.eu:1p0:extended": "facturx-extended/Factur-X_EXTENDED.xsd",
}
_CII = "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd"
_ZUGFERD_1 = "zugferd/ZUGFeRD1p0.xsd"
_NAMESPACE = re.compile(r"\{[^{}]*\}")
_HINT = N_("Correct the element at this path; the message names what the schema expects.")
#: Schemas are shared; the list of errors of one is not safe with threads.
_lock = Lock()


def schema_findings(content: bytes, invoice: Invoice) -> tuple[RuleSet, list[RuleFinding]]:
    """What the schema of the document's format says. ``content`` was read within the limits of ``parse_xml()``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        finding = RuleFinding(rule="XML", severity=Severity.ERROR, message=str(error), hint=_HINT)
        return RuleSet("xml", "1.0", package_sha256("lxml")), [finding]
    package, name = _schema_of(root, invoice)
    schema = _schema(package, name)
    with _lock:
        is_valid = schema.validate(root)
        errors = [] if is_valid else [_finding(error) for error in schema.error_log][:_MOST]
    if not is_valid and not errors:
        errors = [RuleFinding(rule="XSD", severity=Severity.ERROR, message="The schema refuses the document.")]
    return _rule_set(_DISTRIBUTIONS[package], name), errors


def _rule_set(distribution: str, name: str) -> RuleSet:
    """A schema includes others, so that the hash is that of its package."""
    version, digest = metadata.version(distribution), package_sha256(distribution)
    return RuleSet(f"{distribution}/{Path(name).name}", version, digest)


_DISTRIBUTIONS = {"facturx": "factur-x", "efatura_kontrol": "efatura-kontrol"}
_FOLDERS = {"facturx": "xsd_and_schematron", "efatura_kontrol": "ekler/xsd"}


def _schema_of(root: etree._Element, invoice: Invoice) -> tuple[str, str]:
    """The package and the file of the schema."""
    name = etree.QName(root).localname
    if invoice.format is Format.UBL_TR:
        return "efatura_kontrol", f"maindoc/UBL-{name}-2.1.xsd"
    if invoice.format is Format.UBL:
        return "facturx", f"ubl-2.1/maindoc/UBL-{name}-2.1.xsd"
    if name == "CrossIndustryDocument":
        return "facturx", _ZUGFERD_1
    specification = (invoice.specification or "").lower()
    return "facturx", next((file for part, file in _FACTUR_X.items() if specification.endswith(part)), _CII)


@cache
def _schema(package: str, name: str) -> etree.XMLSchema:
    """The package is found and not imported: one of them asks a web service when it is used."""
    found = util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"the package {package} is not installed")
    file = Path(found.submodule_search_locations[0], _FOLDERS[package], name)
    return etree.XMLSchema(etree.parse(str(file)))


def _finding(error: etree._LogEntry) -> RuleFinding:
    kind = error.type_name.removeprefix("SCHEMAV_").removeprefix("CVC_").lower().replace("_", "-")
    return RuleFinding(
        rule=f"XSD-{kind}",
        severity=Severity.ERROR,
        message=_NAMESPACE.sub("", error.message),
        path=error.path or None,
        hint=_HINT,
    )
