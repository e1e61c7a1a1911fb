"""Values that resolvers and services give: completed field by field, as graphql-core would."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails

from schema.kit.edges import AnyNode, AnyOne, ByKey, Few, Many, One
from schema.kit.execution.run import Run, Surprise
from schema.kit.execution.selected import Selected, Unplanned
from schema.kit.resolvers import BACKREF, RESOLVERS

Complete = Callable[[Any, Run], Any]
"""`complete(value, run)`: the value as the answer has it; the edges that go on are held in the run."""
Details = Sequence[FieldDetails]
EDGES = (One, AnyOne, AnyNode, Many, Few)


def completer(type: GraphQLOutputType, details: Details, compiler: Any) -> Complete:
    """What completes values of a type."""
    if isinstance(type, GraphQLNonNull):
        return _required(completer(type.of_type, details, compiler))
    if isinstance(type, GraphQLList):
        return _list(completer(type.of_type, details, compiler))
    if is_leaf_type(type):
        return _leaf(type.serialize)
    if isinstance(type, GraphQLObjectType):
        return _object(type, details, compiler)
    if isinstance(type, GraphQLInterfaceType | GraphQLUnionType):
        return _abstract(type, details, compiler)
    raise Unplanned(str(type))


def _required(complete: Complete) -> Complete:
    def required(value: Any, run: Run) -> Any:
        made = complete(value, run)
        if made is None:
            raise Surprise
        return made

    return required


def _list(complete: Complete) -> Complete:
    def listed(value: Any, run: Run) -> Any:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise Surprise
        return [complete(item, run) for item in value]

    return listed


def _leaf(serialize: Callable[[Any], Any]) -> Complete:
    def leaf(value: Any, run: Run) -> Any:
        if value is None:
            return None
        if isinstance(value, BaseException):
            raise Surprise
        made = serialize(value)
        if made is None:
            raise Surprise
        return made

    return leaf


def _object(kind: GraphQLObjectType, details: Details, compiler: Any) -> Complete:
    fields = [_field(f, compiler) for f in compiler.operation.below(details, kind)]
    is_type_of: Any = kind.is_type_of

    def object(value: Any, run: Run) -> Any:
        if value is None:
            return None
        if isinstance(value, BaseException) or (is_type_of is not None and not is_type_of(value, None)):
            raise Surprise
        made: dict[str, Any] = {}
        for key, write in fields:
            made[key] = write(value, made, run)
        return made

    return object


def _abstract(type: GraphQLInterfaceType | GraphQLUnionType, details: Details, compiler: Any) -> Complete:
    kinds = compiler.operation.schema.get_possible_types(type)
    known: dict[str, Complete] = {}

    def abstract(value: Any, run: Run) -> Any:
        if value is None:
            return None
        # As the stock executor chooses: the first that says so.
        kind = next((k for k in kinds if _is_of(k, value)), None)
        if kind is None:
            raise Surprise
        complete = known.get(kind.name)
        if complete is None:
            complete = known[kind.name] = _object(kind, details, compiler)
        return complete(value, run)

    return abstract


def _is_of(kind: GraphQLObjectType, value: Any) -> bool:
    is_type_of: Any = kind.is_type_of
    return is_type_of is not None and bool(is_type_of(value, None))


def _field(f: Selected, compiler: Any) -> tuple[str, Callable[[Any, dict[str, Any], Run], Any]]:
    if f.field is None:
        name = f.parent.name
        return f.key, lambda value, made, run: name
    declared = f.declared
    if isinstance(declared, EDGES):
        link = compiler.link(f, None)
        names = link.keys

        def hold(value: Any, made: dict[str, Any], run: Run) -> Any:
            keys = tuple(getattr(value, name) for name in names)
            run.held(link).append((keys[0] if len(keys) == 1 else keys, made))

        return f.key, hold
    if declared is None:
        definition = f.field.extensions[BACKREF]
        if not definition.is_basic_field:
            raise Unplanned(f"{f.parent.name}.{f.name}")
    elif isinstance(declared, ByKey):
        raise Unplanned(f"{f.parent.name}.{f.name}")
    return f.key, _written(f, compiler)


def _written(f: Selected, compiler: Any) -> Callable[[Any, dict[str, Any], Run], Any]:
    complete, declared = completer(f.type, f.details, compiler), f.declared
    if declared is None:
        attribute = f.attribute
        return lambda value, made, run: complete(getattr(value, attribute), run)
    resolve = RESOLVERS[type(declared)](declared)
    # These resolvers look at `info.context` alone, which a run has as well.
    return lambda value, made, run: complete(resolve(value, run), run)
