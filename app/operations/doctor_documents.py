"""Checks of ``flask hub doctor`` about documents: libraries and fonts of PDFs, series, official rules."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app.einvoices import sellers
from app.extensions import db
from app.operations.doctor_findings import Finding, State
from app.pdf.scripts import FONT_PACKAGES
from app.rules.official import xslt_processor
from app.rules.official.official_sets import find_sets, misnamed_files

_LIBRARIES = {"libpango-1.0.so.0": "libpango-1.0-0", "libpangoft2-1.0.so.0": "libpangoft2-1.0-0"}
_FAST_LIBRARY, _FAST_PACKAGE = "libharfbuzz-subset.so.0", "libharfbuzz-subset0"


def check_pdf_libraries() -> Iterator[Finding]:
    """Whether PDFs can be rendered, and with which fonts."""
    missing = [package for library, package in _LIBRARIES.items() if not _can_load(library)]
    if missing:
        yield Finding("libraries", State.FAULT, "PDFs cannot be rendered", f"apt-get install {' '.join(missing)}")
        return
    if not _can_load(_FAST_LIBRARY):
        yield Finding("libraries", State.WARNING, "PDFs are rendered slowly", f"apt-get install {_FAST_PACKAGE}")
    else:
        yield Finding("libraries", State.OK, "Pango and HarfBuzz are installed")
    yield _fonts()


def _fonts() -> Finding:
    # Imported here: the module loads Pango and HarfBuzz.
    from app.pdf.renderer import FAMILIES, FONTS, find_missing  # noqa: PLC0415

    needed = [FONTS / f"{family}-{weight}.ttf" for family, weights in FAMILIES.items() for weight in weights]
    if missing := [path.name for path in needed if not path.is_file()]:
        return Finding("fonts", State.FAULT, f"missing: {', '.join(missing)}", "Install this version of the hub again.")
    unprintable = find_missing(" ".join(sample for scripts in FONT_PACKAGES.values() for sample in scripts.values()))
    packages, scripts = [], []
    for package, samples in FONT_PACKAGES.items():
        lost = [script for script, sample in samples.items() if unprintable.intersection(sample)]
        packages += [package] if lost else []
        scripts += lost
    if scripts:
        message = f"documents fail that contain {', '.join(scripts)}"
        return Finding("fonts", State.WARNING, message, f"apt-get install {' '.join(packages)}")
    return Finding("fonts", State.OK, f"{len(needed)} files, and the fonts of the machine print the other scripts")


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def check_series() -> Iterator[Finding]:
    """Whether the legal numbers of a seller look like those of test documents."""
    try:
        emails = sellers.emails_with_test_prefix()
    except SQLAlchemyError:
        db.session.rollback()
        return  # the checks of the database and the migrations report it
    for email in emails:
        yield Finding(
            "series",
            State.WARNING,
            f"the legal numbers of {email} look like those of test documents",
            f"Choose another prefix: flask einvoices seller {email} --prefix …; the numbers that are issued stay.",
        )


def check_official_rules() -> Iterator[Finding]:
    """Which official rules check documents."""
    folder: Path | None = current_app.config["OFFICIAL_RULES_DIR"]
    if folder is not None and not folder.is_dir():
        remedy = "Create it, or unset OFFICIAL_RULES_DIR."
        yield Finding("official rules", State.WARNING, f"{folder} is no folder", remedy)
    for path in misnamed_files(folder):
        remedy = "Name it FORMAT/NAME-VERSION.xslt; see docs/legal-documents.md."
        yield Finding("official rules", State.WARNING, f"{path} is not used", remedy)
    if not xslt_processor.is_installed():
        remedy = "pip install --require-hashes -r requirements-official.txt; it is optional."
        yield Finding("official rules", State.OK, f"documents are not checked by them: {remedy}")
        return
    names = ", ".join(f"{each.format} {each.name} {each.version}" for each in find_sets(folder).sets)
    yield Finding("official rules", State.OK, names)
