"""Factur-X: the name of the embedded CII, and what the metadata of the PDF says about it."""

from __future__ import annotations

FILE_NAME = "factur-x.xml"
#: The profile of Factur-X that is EN 16931 as a whole.
_PROFILE = "EN 16931"
_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_AIIM = "http://www.aiim.org/pdfa/ns/"
#: Properties of the extension schema, each with its meaning.
_PROPERTIES = (
    ("DocumentFileName", "name of the embedded XML invoice file"),
    ("DocumentType", "INVOICE"),
    ("Version", "The actual version of the Factur-X XML schema"),
    ("ConformanceLevel", "The conformance level of the embedded Factur-X data"),
)
_VALUES = {
    "DocumentFileName": FILE_NAME,
    "DocumentType": "INVOICE",
    "Version": "1.0",
    "ConformanceLevel": _PROFILE,
}


def xmp_metadata() -> bytes:
    """The elements ``rdf:Description`` of Factur-X: the values, and the extension schema that PDF/A wants for them."""
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value in _VALUES.items())
    properties = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        for name, meaning in _PROPERTIES
    )
    return (
        f'<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">{values}</rdf:Description>'
        f'<rdf:Description rdf:about="" xmlns:pdfaExtension="{_AIIM}extension/" xmlns:pdfaSchema="{_AIIM}schema#" '
        f'xmlns:pdfaProperty="{_AIIM}property#"><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property>"
        "</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
    ).encode()
