"""Arguments of a field: coerced by graphql-core once, with a mark in the place of each variable's value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLField, ValueNode, VariableNode
from graphql.execution.values import VariableValues, get_argument_values

from schema.kit.execution.run import Run

Arguments = Callable[[Run], Mapping[str, Any]]
"""The coerced arguments of a field, in one run. What they hold is not to be changed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the value of a variable goes."""

    name: str


def arguments_of(field: GraphQLField, node: FieldNode) -> Arguments:
    """What reads the arguments. Raises what graphql-core raises for those that name no variable and are refused."""
    names = [name for argument in node.arguments or () for name in variables_in(argument.value)]
    if not names:
        known = get_argument_values(field, node)
        return lambda run: known

    def exactly(run: Run) -> Mapping[str, Any]:
        return get_argument_values(field, node, run.variables)

    try:
        marked = get_argument_values(field, node, VariableValues({}, {name: Mark(name) for name in names}))
    except Exception:
        return exactly
    if _marks_in(marked) != len(names):
        return exactly  # some of them are within a scalar, which takes a literal as it is

    def read(run: Run) -> Mapping[str, Any]:
        given = run.variables.coerced
        for name in names:
            # What is not given, or null, may leave room for a default, or be refused.
            if given.get(name) is None:
                return exactly(run)
        return {key: _filled(value, given) for key, value in marked.items()}

    return read


def variables_in(value: ValueNode) -> list[str]:
    """The variables that a literal of a document names, at any depth, as often as it does."""
    if isinstance(value, VariableNode):
        return [value.name.value]
    items = getattr(value, "values", None) or [part.value for part in getattr(value, "fields", None) or ()]
    return [name for item in items for name in variables_in(item)]


def _marks_in(value: Any) -> int:
    if isinstance(value, Mark):
        return 1
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_marks_in, items))


def _filled(value: Any, given: Mapping[str, Any]) -> Any:
    kind = type(value)
    if kind is Mark:
        return given[value.name]
    if kind is dict:
        return {key: _filled(item, given) for key, item in value.items()}
    return [_filled(item, given) for item in value] if kind is list else value
