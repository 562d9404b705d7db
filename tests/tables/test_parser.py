"""openpyxl uses the parser of production, although packages of the tests install another one."""

from __future__ import annotations

import importlib.util

import openpyxl.xml


def test_lxml_is_installed_here_and_not_used() -> None:
    assert importlib.util.find_spec("lxml")
    assert not openpyxl.xml.LXML
    assert openpyxl.xml.DEFUSEDXML
