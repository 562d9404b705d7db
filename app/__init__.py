"""Invoice Hub, the application; importing it alone loads none of it.

What comes before the application (the launcher, which only starts processes) would otherwise begin a second later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.config import Settings
    from app.kernel.http.app import Hub


def create_app(settings: Settings | None = None) -> Hub:
    """Make the application.

    Args:
        settings: read from the environment when none are given.

    Raises:
        ConfigurationError: the environment cannot be served; one line per fault.
    """
    from app.factory import build  # noqa: PLC0415 - which loads every room

    return build(settings)
