"""PostgreSQL's own programs, pointed at the hub's database without its password in anybody's list of processes."""

from __future__ import annotations

import os

import psycopg
from flask import current_app
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from app.kernel import postgres_programs


class ProgramError(Exception):
    """A program of PostgreSQL failed, or is not there."""


def connect() -> psycopg.Connection:
    """A connection of one's own, outside of the pool."""
    return psycopg.connect(_libpq_url(), connect_timeout=5)


def find_program(name: str) -> str:
    """The path of a program.

    Raises:
        ProgramError: it is nowhere.
    """
    found = postgres_programs.program_path(name)
    if found is None:
        raise ProgramError(f"{name} was not found: install postgresql-client, of the server's version or later.")
    return str(found)


def libpq_environment() -> dict[str, str]:
    """What libpq reads instead of arguments."""
    given = conninfo_to_dict(_libpq_url())
    names = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    address = {names[word]: str(value) for word, value in given.items() if word in names and value is not None}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, **address, "LC_ALL": "C"}


def require_success(name: str, code: int, said: bytes) -> None:
    """Tell what a program that failed said last.

    Raises:
        ProgramError: its code is not 0.
    """
    if code:
        lines = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        grave = [line for line in lines if "error" in line.lower()] or lines
        raise ProgramError(f"{name} failed: {grave[0].strip()}")


def _libpq_url() -> str:
    url: str = current_app.config["DATABASE_URL"]
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
