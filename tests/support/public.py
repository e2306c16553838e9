"""The members of the public classes of the package."""

from __future__ import annotations

import inspect
import types
from dataclasses import fields, is_dataclass

import pytest_lossguard


def members():
    """Yield the public methods, properties and fields of public classes, with the
    class.
    """
    for name in pytest_lossguard.__all__:
        value = getattr(pytest_lossguard, name)
        if not inspect.isclass(value) or issubclass(value, Exception):
            continue
        for it, member in vars(value).items():
            if it.startswith("_") or isinstance(member, types.MemberDescriptorType):
                continue
            yield name, f"{name}.{it}" + "()" * (not isinstance(member, property))
        if is_dataclass(value):
            yield from ((name, it.name) for it in fields(value) if it.name[0] != "_")
