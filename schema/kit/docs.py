"""Descriptions in the SDL: a class's docstring, and the string under an attribute."""

import ast
import inspect
import sys
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import TypeVar

import strawberry

E = TypeVar("E", bound=type[Enum])


def attribute_docs(cls: type) -> dict[str, str]:
    """The description of each attribute of the class and of the classes it stands on, by the attribute's name."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__ in sys.modules and base.__module__ != "builtins":
            docs |= _module_docs(base.__module__).get(base.__qualname__, {})
    return docs


def publish_enum(cls: E) -> E:
    """Publishes an enum, every value with the description written under it."""
    docs = attribute_docs(cls)
    strawberry.enum(cls, description=class_doc(cls))
    for value in cls.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = docs.get(value.name)
    return cls


def class_doc(cls: type) -> str | None:
    """The class's own docstring, without its indentation."""
    return inspect.cleandoc(cls.__doc__) if cls.__doc__ else None


@cache
def _module_docs(module: str) -> dict[str, dict[str, str]]:
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError):
        return {}
    return {node.name: _body_docs(node.body) for node in tree.body if isinstance(node, ast.ClassDef)}


def _body_docs(body: list[ast.stmt]) -> dict[str, str]:
    docs: dict[str, str] = {}
    for statement, below in pairwise(body):
        name = _assigned(statement)
        if name and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            docs[name] = inspect.cleandoc(str(below.value.value))
    return docs


def _assigned(statement: ast.stmt) -> str | None:
    target: ast.expr | None = None
    if isinstance(statement, ast.AnnAssign):
        target = statement.target
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    return target.id if isinstance(target, ast.Name) else None
