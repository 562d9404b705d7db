"""Gives the functions of a loaded module the code of a changed text, without loading the module again.

A process that has the application loaded can so run a test without one of its defences: to load the application takes
longer than most of these tests.
"""

from __future__ import annotations

import gc
import inspect
from collections import Counter
from collections.abc import Iterator
from types import CodeType, FunctionType

#: These live as long as the call that makes them, so they belong to the code around them.
PASSING = frozenset({"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})


def replace(module: str, before: str, after: str) -> None:
    """Replace the code of the functions that differ, in all objects made from them."""
    changed = changed_functions(module, before, after)
    for function in [one for one in gc.get_objects() if isinstance(one, FunctionType)]:
        code = function.__code__
        if code.co_filename == module and code.co_qualname in changed:
            function.__code__ = changed[code.co_qualname]


def changed_functions(module: str, before: str, after: str) -> dict[str, CodeType]:
    """Return the new code of the functions that differ, by qualified name; nothing if the module must be loaded again.

    That is so if something else differs too (a constant, a class, the names that a function takes from around it), or
    if two functions share a name, as lambdas do.
    """
    old, new = (list(_nested(compile(text, module, "exec", dont_inherit=True))) for text in (before, after))
    old_code = {code.co_qualname: code for code in old}
    count = Counter(code.co_qualname for code in [*old, *new])
    changed = {
        code.co_qualname: code
        for code in new
        if code.co_qualname in old_code and _content(old_code[code.co_qualname]) != _content(code)
    }
    is_replaceable = all(
        code.co_flags & inspect.CO_OPTIMIZED and code.co_freevars == old_code[name].co_freevars and count[name] == 2
        for name, code in changed.items()
    )
    return changed if is_replaceable else {}


def _nested(code: CodeType) -> Iterator[CodeType]:
    """The code of a module and of its classes and functions."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant.co_name not in PASSING:
            yield from _nested(constant)


def _content(code: CodeType) -> tuple[object, ...]:
    """What the code does, without its lines and without the functions inside it."""
    constants = tuple(_constant(constant) for constant in code.co_consts)
    return (code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)


def _constant(constant: object) -> object:
    if not isinstance(constant, CodeType):
        return repr(constant)
    return _content(constant) if constant.co_name in PASSING else constant.co_qualname
