"""Schemas of the busiest endpoints: the quick ways for what is usual, marshmallow's own for everything else."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from app.kernel.schemas.fast_dump import Dump, make_dumper
from app.kernel.schemas.fast_load import Declined, Load, make_loader
from app.kernel.schemas.fields import Schema


class FastLoadSchema(Schema):
    """Loads a payload with nothing wrong in it about four times as fast; the rest gets marshmallow's words."""

    @cached_property
    def _take(self) -> Load:
        return make_loader(self)

    def load(self, data: Any, **options: Any) -> Any:
        """As ``Schema.load``."""
        if not options:
            try:
                return self._take(data)
            except Declined:
                pass
        return super().load(data, **options)


class FastDumpSchema(Schema):
    """Dumps dictionaries about four times as fast."""

    @cached_property
    def _show(self) -> Dump:
        return make_dumper(self)

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """As ``Schema.dump``."""
        return self._show(obj) if type(obj) is dict and not many else super().dump(obj, many=many)
