"""Check of the time stamps of a package: each must be of the statement of its day."""

from __future__ import annotations

from app.evidence.offline.chain_check import STAMPS, Chain
from app.evidence.offline.stamp_file import StampFile


def check_stamps(chain: Chain) -> None:
    """Check what was stamped, and say which root has the newest stamp and how its signature is checked."""
    newest = ""
    for name in sorted(name for name in chain.package.names if name.startswith(STAMPS)):
        day = name[len(STAMPS) :].removesuffix(".tsr")
        if day not in chain.statements:
            chain.report(f"{name} belongs to no root.")
            continue
        try:
            with chain.package.open(name) as file:
                stamp = StampFile(file.read())
        except (ValueError, IndexError, TypeError) as error:
            chain.report(f"{name} was changed: it is no time stamp ({error}).")
            continue
        if stamp.digest != chain.statements[day]:
            chain.report(f"{name} is a time stamp of something else than the root of {day}.")
        elif stamp.moment[:10] < day:
            chain.report(f"{name} says {stamp.moment}, before the day of its root.")
        else:
            newest = day
            chain.remark(f"{name} says that the root of {day} existed at {stamp.moment}.")
    if newest:
        chain.remark(
            "Python alone cannot check the signatures of time stamps. Take the root certificates from the authority, "
            f"and run: openssl ts -verify -digest {chain.statements[newest]} -in {STAMPS}{newest}.tsr -CAfile ROOTS.pem"
        )
