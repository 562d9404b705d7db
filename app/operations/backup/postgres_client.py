"""PostgreSQL client programs for the hub's database; the password is in the environment, not in the process list."""

from __future__ import annotations

import os

import psycopg
from flask import current_app
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from app.kernel import postgres_programs


class ProgramError(Exception):
    """A program of PostgreSQL failed, or is not installed."""


def connect() -> psycopg.Connection:
    """A new connection outside of the pool."""
    return psycopg.connect(_libpq_url(), connect_timeout=5)


def find_program(name: str) -> str:
    """The path of a program.

    Raises:
        ProgramError: the program was not found.
    """
    path = postgres_programs.program_path(name)
    if path is None:
        raise ProgramError(f"{name} was not found: install postgresql-client, in the server's version or later.")
    return str(path)


def libpq_environment() -> dict[str, str]:
    """The environment of a program: the present one with the database address in the variables of libpq."""
    parameters = conninfo_to_dict(_libpq_url())
    names = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    address = {names[key]: str(value) for key, value in parameters.items() if key in names and value is not None}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, **address, "LC_ALL": "C"}


def require_success(name: str, code: int, stderr: bytes) -> None:
    """Check the exit code of a program.

    Raises:
        ProgramError: the code is not 0; the message holds the first error line.
    """
    if code:
        lines = stderr.decode(errors="replace").strip().splitlines() or ["no error message"]
        errors = [line for line in lines if "error" in line.lower()] or lines
        raise ProgramError(f"{name} failed: {errors[0].strip()}")


def _libpq_url() -> str:
    url: str = current_app.config["DATABASE_URL"]
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
