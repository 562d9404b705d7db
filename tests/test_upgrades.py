"""Upgrades without an outage: a migration runs under the old code, so it only adds, and explains each removal."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "migrations" / "versions"
#: Nobody ran these before there was a rule; every later one keeps it.
BEFORE_THE_RULE = {"0001", "0002", "0003", "0004", "0005", "0006", "0008", "0009", "0011"}
#: By which a migration says that, and why, what it takes away is used by no release that may still run.
REASON = "CONTRACTS"
_TAKING = {"drop_table", "drop_column", "rename_table", "drop_constraint"}
_LOCKING = {"create_unique_constraint", "create_check_constraint", "create_foreign_key", "create_primary_key"}
_STATEMENTS = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN)|RENAME\s+(TO|COLUMN)|ALTER\s+COLUMN\s+\w+\s+(TYPE|SET\s+NOT\s+NULL)|TRUNCATE|LOCK\s+TABLE)\b",
    re.I,
)


def faults(source: str) -> list[str]:
    """Yield the steps of ``upgrade`` that break the old code or block requests."""
    tree = ast.parse(source)
    if _reason(tree):
        return []
    [upgrade] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"]
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    made = {_text(call, 0) for call in calls if _verb(call) == "create_table"}
    found = [fault for call in calls for fault in _faults(call, made)]
    # Statements may stand outside of ``upgrade`` as constants, beside those of ``downgrade``, which may take away.
    return found + [f"runs {match[0]}" for text in _executed(upgrade, tree) for match in _STATEMENTS.finditer(text)]


def _faults(call: ast.Call, made: set[str]) -> Iterator[str]:
    verb = _verb(call)
    table = _text(call, 1) if verb in {"create_index", *_LOCKING, "drop_constraint"} else _text(call, 0)
    if table in made:
        return
    words = {keyword.arg: keyword.value for keyword in call.keywords}
    if verb in _TAKING:
        yield f"{verb} on {table}: a later release may do that"
    elif verb in _LOCKING and not _is_true(words.get("postgresql_not_valid")):
        yield f"{verb} on {table} reads the whole table under a lock: postgresql_not_valid=True, and validate later"
    elif verb == "create_index" and not _is_true(words.get("postgresql_concurrently")):
        yield f"an index on {table} holds up all writers: postgresql_concurrently=True in an autocommit_block()"
    elif verb == "alter_column" and {"new_column_name", "type_", "nullable"} & set(words):
        yield f"alter_column on {table}: old code knows it as it was"
    elif verb == "add_column" and _is_required(call):
        yield f"a required column of {table} without server_default: old code does not fill it"


def _is_required(call: ast.Call) -> bool:
    column = next((node for node in call.args if isinstance(node, ast.Call)), None)
    words = {keyword.arg: keyword.value for keyword in column.keywords} if column else {}
    nullable = words.get("nullable")
    return isinstance(nullable, ast.Constant) and nullable.value is False and "server_default" not in words


def _reason(tree: ast.Module) -> str:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == [REASON]:
            return str(ast.literal_eval(node.value))
    return ""


def _executed(upgrade: ast.FunctionDef, tree: ast.Module) -> Iterator[str]:
    """Yield the SQL texts that ``upgrade`` runs, given directly or by a constant."""
    constants = {
        getattr(target, "id", ""): node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
    }
    for node in ast.walk(upgrade):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Name) and isinstance(constants.get(node.id), str):
            yield str(constants[node.id])


def _verb(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr


def _text(call: ast.Call, place: int) -> str:
    node = call.args[place] if len(call.args) > place else None
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_migration_can_run_under_the_release_before(path: Path) -> None:
    if path.name[:4] not in BEFORE_THE_RULE:
        assert not faults(path.read_text())


def migration(*lines: str, head: str = "") -> str:
    body = "\n".join(f"    {line}" for line in lines)
    beginning = f"import sqlalchemy as sa\nfrom alembic import op\n{head}\n"
    return f"{beginning}\ndef upgrade():\n{body}\n\ndef downgrade():\n    op.drop_table('t')\n"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("op.drop_table('users')", "drop_table on users"),
        ("op.drop_column('users', 'name')", "drop_column on users"),
        ("op.rename_table('users', 'people')", "rename_table on users"),
        ("op.alter_column('users', 'name', new_column_name='title')", "alter_column on users"),
        ("op.alter_column('users', 'name', nullable=False)", "alter_column on users"),
        ("op.add_column('users', sa.Column('age', sa.Integer(), nullable=False))", "without server_default"),
        ("op.create_index('ix', 'users', ['name'])", "holds up all writers"),
        ("op.create_unique_constraint('uq', 'users', ['name'])", "under a lock"),
        ("op.execute('ALTER TABLE users DROP COLUMN name')", "runs DROP COLUMN"),
        ("op.execute('ALTER TABLE users ALTER COLUMN name TYPE text')", "runs ALTER COLUMN name TYPE"),
    ],
)
def test_changes_that_break_the_running_release_are_reported(line: str, fault: str) -> None:
    [found] = faults(migration(line))
    assert fault in found


@pytest.mark.parametrize(
    "line",
    [
        "op.add_column('users', sa.Column('age', sa.Integer(), nullable=True))",
        "op.add_column('users', sa.Column('age', sa.Integer(), server_default='0', nullable=False))",
        "op.create_index('ix', 'users', ['name'], postgresql_concurrently=True)",
        "op.create_check_constraint('ck', 'users', 'age > 0', postgresql_not_valid=True)",
        "op.alter_column('users', 'name', server_default='x')",
    ],
)
def test_additions_are_allowed(line: str) -> None:
    assert faults(migration(line)) == []


def test_a_table_created_by_the_migration_may_be_changed() -> None:
    made = ("op.create_table('pets', sa.Column('id', sa.Integer()))", "op.create_index('ix', 'pets', ['id'])")
    assert faults(migration(*made)) == []


def test_a_removal_with_a_reason_is_allowed() -> None:
    assert faults(migration("op.drop_column('users', 'name')", head="CONTRACTS = 'unread since 0.3'")) == []


def test_constants_are_resolved() -> None:
    head = "GONE = 'DROP TABLE users'\nMADE = 'CREATE FUNCTION f() ...'"
    assert faults(migration("op.execute(MADE)", head=head)) == []
    assert faults(migration("op.execute(GONE)", head=head)) == ["runs DROP TABLE"]
