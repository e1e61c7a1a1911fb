"""Variables of an operation: the plain ones taken as they are, all others coerced by graphql-core."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_list_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

INT_MAX = 2**31
PLAIN = {"ID": str, "String": str, "Int": int, "Boolean": bool}
"""Scalars whose values are what JSON gives, and the type that it gives them in."""
Names = Mapping[str, Any] | None
"""What the names of an enum stand for; None of a scalar."""


class Variables:
    """The variables that one operation declares."""

    def __init__(self, schema: GraphQLSchema, node: OperationDefinitionNode) -> None:
        self._schema, self._declared = schema, node.variable_definitions or ()
        self._plain: list[tuple[str, GraphQLVariableSignature, type, bool, Names]] | None = []
        for declared in self._declared:
            signature = get_variable_signature(schema, declared)
            kind = None if isinstance(signature, GraphQLError) else _plain_kind(signature)
            if kind is None or isinstance(signature, GraphQLError) or declared.default_value is not None:
                self._plain = None
                return
            required = isinstance(signature.type, GraphQLNonNull)
            self._plain.append((signature.name, signature, kind, required, _names(signature)))

    def read(self, given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        """The values as resolvers see them; what is wrong with them otherwise."""
        values = given or {}
        quick = self._quick(values)
        return quick if quick is not None else get_variable_values(self._schema, self._declared, dict(values))

    def _quick(self, given: Mapping[str, Any]) -> VariableValues | None:
        if self._plain is None:
            return None
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, signature, kind, required, names in self._plain:
            if name not in given:
                if required:
                    return None
                sources[name] = VariableValueSource(signature)
                continue
            value = given[name]
            if type(value) is not kind and (value is not None or required):
                return None
            if type(value) is int and not -INT_MAX <= value < INT_MAX:
                return None
            sources[name], coerced[name] = VariableValueSource(signature, value), value
            if names is not None and type(value) is str:
                if value not in names:
                    return None
                coerced[name] = names[value]
        return VariableValues(sources, coerced)


def _plain_kind(signature: GraphQLVariableSignature) -> type | None:
    type_ = signature.type
    if is_list_type(getattr(type_, "of_type", type_)):
        return None
    named = get_named_type(type_)
    return str if isinstance(named, GraphQLEnumType) else PLAIN.get(named.name)


def _names(signature: GraphQLVariableSignature) -> Names:
    named = get_named_type(signature.type)
    if not isinstance(named, GraphQLEnumType):
        return None
    return {name: named.coerce_input_value(name) for name in named.values}
