"""Catalogs of translations, by pybabel: ``make words`` extracts the texts, updates the catalogs and compiles them.

``python -m app.admin.i18n.catalogs compile`` only compiles: set-up, tests and the image do, for git has no ``.mo``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from babel.messages.frontend import CommandLineInterface

from app.languages import LANGUAGES, SOURCE

APP = Path(__file__).resolve().parents[2]
TRANSLATIONS = APP / "admin" / "translations"
#: Functions that mark a text, besides those that Babel knows (``_``, ``gettext``, ``ngettext``, ``N_`` …).
_KEYWORDS = "lazy_gettext"
#: No places and no header with dates: two branches that add texts then merge without a conflict.
_FORMAT = ("--width=120", "--omit-header")


def translated() -> list[str]:
    """The languages that have a catalog."""
    return [language for language in LANGUAGES if language != SOURCE]


def path_of(language: str) -> Path:
    """Where the texts of a language are edited."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def extract(template: Path) -> None:
    """Write every text that a page may show to ``template``, sorted; ``[tool.babel]`` says which files are read."""
    mapping = f"--mapping-file={APP.parent / 'pyproject.toml'}"
    sorted_texts = ("--sort-output", "--no-location", *_FORMAT)
    _pybabel("extract", mapping, f"--keywords={_KEYWORDS}", *sorted_texts, f"--output-file={template}", str(APP))


def update() -> None:
    """Add new texts to every catalog, remove the texts that no code has any more, and compile."""
    with TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        extract(template)
        for language in translated():
            files = (f"--input-file={template}", f"--output-dir={TRANSLATIONS}", f"--locale={language}")
            _pybabel("update", "--init-missing", "--no-fuzzy-matching", "--ignore-obsolete", *_FORMAT, *files)
    compile_all()


def compile_all() -> None:
    """Compile every catalog; the application reads only compiled ones."""
    # Without a header Babel takes a whole catalog for a draft; a test refuses single texts that are.
    _pybabel("compile", "--use-fuzzy", f"--directory={TRANSLATIONS}")


def _pybabel(*arguments: str) -> None:
    CommandLineInterface().run(["pybabel", "--quiet", *arguments])  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    if sys.argv[1:] == ["compile"]:
        compile_all()
    else:
        update()
