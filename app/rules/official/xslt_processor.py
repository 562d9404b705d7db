"""``processor()``: the XSLT 3 processor of this process, from the optional package ``saxonche``.

The library ends the process when two threads use it. So one worker with one process applies the official rules, and no
other module of the hub imports the library.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any

from lxml import etree

PACKAGE = "saxonche"
#: Rules that compare a date with the present day are those of Türkiye, and mean the day there.
_ZONE, _ZONE_VARIABLE = "Europe/Istanbul", "TZ"
_XSL = "{http://www.w3.org/1999/XSL/Transform}"
#: Compiled sets that are kept, about 40 MiB each; a newer version of a set makes an older one useless.
_MOST = 12


class UnusableRuleSet(Exception):
    """The file of a rule set is no XSLT stylesheet that stands alone."""


class NotChecked(Exception):
    """The rules could not be applied to a document."""


class XsltProcessor:
    """Compiles stylesheets and applies them; only the thread that made it may use it."""

    def __init__(self) -> None:
        self._owner = _present_thread()
        self._processor = _new_processor()
        self._compiled: dict[str, Any] = {}

    def apply(self, path: Path, sha256: str, document: str, parameters: Mapping[str, str]) -> str:
        """The result of the stylesheet ``path`` for a document.

        Raises:
            UnusableRuleSet: the stylesheet cannot be compiled.
            NotChecked: it fails for this document.
        """
        if self._owner != _present_thread():
            raise RuntimeError("the official rules are applied by one thread of one process only")
        sheet = self._compiled.get(sha256) or self._compile(path, sha256)
        try:
            for name, value in parameters.items():
                sheet.set_parameter(name, self._processor.make_string_value(value))
            result: str | None = sheet.transform_to_string(xdm_node=self._processor.parse_xml(xml_text=document))
        except Exception as error:  # the library raises RuntimeError and errors of its own
            raise NotChecked(str(error)) from error
        if not result:
            raise NotChecked("the stylesheet wrote nothing")
        return result

    def _compile(self, path: Path, sha256: str) -> Any:
        _require_single_file(path)
        try:
            sheet = self._processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))
        except Exception as error:  # the library raises RuntimeError and errors of its own
            raise UnusableRuleSet(f"{path.name}: {error}") from error
        if len(self._compiled) >= _MOST:
            self._compiled.pop(next(iter(self._compiled)))
        self._compiled[sha256] = sheet
        return sheet


def _new_processor() -> Any:
    """A processor of the library, whose present day is that of ``_ZONE``.

    The library takes the zone of the process when it needs one for the first time, and keeps it.
    """
    from saxonche import PySaxonProcessor  # noqa: PLC0415 - 100 MiB, and only one process may have it

    before = os.environ.get(_ZONE_VARIABLE)
    os.environ[_ZONE_VARIABLE] = _ZONE
    try:
        made = PySaxonProcessor(license=False)
        made.new_xpath_processor().evaluate_single("implicit-timezone()")
    finally:
        del os.environ[_ZONE_VARIABLE]
        if before is not None:
            os.environ[_ZONE_VARIABLE] = before
    return made


_own: list[XsltProcessor] = []


def is_installed() -> bool:
    """Whether the optional package is there; it is not imported."""
    return util.find_spec(PACKAGE) is not None


def processor() -> XsltProcessor:
    """The one processor of this process."""
    if not _own:
        _own.append(XsltProcessor())
    return _own[0]


def _present_thread() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def _require_single_file(path: Path) -> None:
    """The hash of a set is that of one file: a stylesheet that reads others could change without another hash."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.parse(str(path), parser).getroot()
    except etree.XMLSyntaxError as error:
        raise UnusableRuleSet(f"{path.name}: {error}") from error
    if any(child.tag in {f"{_XSL}import", f"{_XSL}include"} for child in root):
        raise UnusableRuleSet(f"{path.name}: it includes other files; a rule set is one file")
