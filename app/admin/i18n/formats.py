"""Template filters: labels, and times, dates, amounts and quantities in the viewer's language, region and time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_datetime_format
from babel.numbers import format_currency, format_decimal
from flask import Flask
from markupsafe import Markup

from app.admin.i18n.labels import label, tone
from app.admin.local_times import input_value
from app.admin.viewer import INDIA, local_zone, region, time_zone
from app.kernel import clock

_TIME = Markup('<time datetime="{}" title="{}">{}</time>')
#: A script shows it in the time zone of the browser.
_TIME_OF_BROWSER = Markup('<time datetime="{}" title="{}" data-local>{}</time>')


def moment(value: datetime | None) -> Markup:
    """Element ``<time>`` in the time zone of the viewer, with the moment in UTC as its title.

    While the zone of the browser is unknown, the text is in the zone of the installation and names it.
    """
    if value is None:
        return Markup("")
    zone, locale = local_zone(), _locale()
    local = value.astimezone(zone)
    day_text, time_text = format_date(local, "medium", locale), format_time(local, "short", locale=locale)
    shown = str(get_datetime_format("medium", locale=locale)).format(time_text, day_text)
    in_utc = f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if time_zone() is None:
        return _TIME_OF_BROWSER.format(clock.iso(value), in_utc, f"{shown} {zone}")
    return _TIME.format(clock.iso(value), in_utc, shown)


def age(value: datetime | None) -> str:
    """Time that has passed since a moment, rounded to its largest unit."""
    return "" if value is None else format_timedelta(clock.now() - value, granularity="minute", locale=_locale())


def day(value: date | None) -> str:
    """Calendar date, without time of day and time zone."""
    return "" if value is None else format_date(value, "medium", _locale())


def money(value: Decimal | None, currency: str | None = None) -> str:
    """Amount with two or three decimals, in the number format of the viewer."""
    if value is None:
        return ""
    if currency:
        return format_currency(value, currency, f"{_digits('0.00')} ¤¤", locale=_locale())
    return format_decimal(value, _digits("0.00#"), _locale())


def price(value: Decimal | None) -> str:
    """Unit price with all its decimals, at least two."""
    return "" if value is None else format_decimal(value, _digits("0.00########"), _locale())


def quantity(value: Decimal | int | float | None, unit: str = "") -> str:
    """Number with up to four decimals, and its unit."""
    if value is None:
        return ""
    return f"{format_decimal(value, _digits('0.####'), _locale())} {unit}".strip()


def register(app: Flask) -> None:
    """Register the filters of the templates."""
    filters: dict[str, Any] = {
        "label": label,
        "tone": tone,
        "moment": moment,
        "age": age,
        "day": day,
        "money": money,
        "price": price,
        "quantity": quantity,
        "input_value": input_value,
    }
    app.jinja_env.filters.update(filters)


def _locale() -> Locale:
    return Locale.parse(region(), sep="-")


def _digits(decimals: str) -> str:
    """Pattern of a number: India groups the digits before the last three by two."""
    return ("#,##,##" if region() == INDIA else "#,##") + decimals
