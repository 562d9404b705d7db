"""Countries of ISO 3166-1, and the time zone of the companies in each."""

from __future__ import annotations

from collections.abc import Mapping

from babel.core import get_global

#: The country of a seller who said none; the other defaults of sellers are Turkish too.
DEFAULT_COUNTRY = "TR"
#: Of a country with several time zones: the one of its seat of government, or of its largest city.
_MAIN_ZONES = {
    "AQ": "Antarctica/McMurdo",
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UM": "Pacific/Wake",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}
#: Codes of CLDR that are no country: the world, and the unknown.
_NO_COUNTRIES = {"001", "ZZ"}
_ZONES: Mapping[str, str] = get_global("zone_territories")

#: Country code -> its time zone.
TIMEZONES: Mapping[str, str] = {
    **{country: zone for zone, country in _ZONES.items() if country not in _NO_COUNTRIES},
    **_MAIN_ZONES,
}
