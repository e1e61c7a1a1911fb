"""What an operation selects, by graphql-core's own rules: fields of one type merged by response key."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from schema.kit.edges import Declaration
from schema.kit.resolvers import BACKREF, declaration_of

TYPENAME = "__typename"
PLANNED_DIRECTIVES = frozenset({"skip", "include", "idempotent"})


class Unplanned(Exception):
    """This operation is the stock executor's; says why."""


@dataclass(frozen=True, eq=False, slots=True)
class Selected:
    """One field of an answer: its response key, and all the nodes of the document that ask for it."""

    key: str
    name: str
    details: list[FieldDetails]
    parent: GraphQLObjectType
    field: GraphQLField | None
    """None for `__typename`."""

    @property
    def nodes(self) -> list[FieldNode]:
        """Where the document asks for it."""
        return [d.node for d in self.details]

    @property
    def type(self) -> GraphQLOutputType:
        """What it leads to."""
        assert self.field is not None
        return self.field.type

    @property
    def declared(self) -> Declaration | None:
        """The declaration it was made from, if any."""
        return declaration_of(self.field)

    @property
    def attribute(self) -> str:
        """What the source object calls it."""
        assert self.field is not None
        return str(self.field.extensions[BACKREF].python_name)


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a document, with what @skip and @include leave of it."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    variables: VariableValues
    """Only those that @skip and @include ask are looked at."""
    fragments: dict[str, FragmentDetails]

    @classmethod
    def of(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        node: OperationDefinitionNode,
        variables: VariableValues,
    ) -> "Operation":
        """The operation as it runs with these variables."""
        named = {
            d.name.value: FragmentDetails(d)
            for d in document.definitions
            if isinstance(d, FragmentDefinitionNode)
        }
        return cls(schema, document, node, variables, named)

    def roots(self) -> list[Selected]:
        """The fields of the operation itself."""
        kind = self.schema.get_root_type(self.node.operation)
        assert kind is not None
        found = collect_fields(self.schema, self.fragments, self.variables, kind, self.node)
        return self._selected(kind, found.grouped_field_set)

    def below(self, details: Sequence[FieldDetails], kind: GraphQLObjectType) -> list[Selected]:
        """What is selected of an object of the type, below a field."""
        found = collect_subfields(self.schema, self.fragments, self.variables, self.node, kind, list(details))
        if found.new_defer_usages:
            raise Unplanned("@defer")
        return self._selected(kind, found.grouped_field_set)

    def _selected(self, kind: GraphQLObjectType, grouped: dict[str, list[FieldDetails]]) -> list[Selected]:
        return [self._one(kind, key, details) for key, details in grouped.items()]

    def _one(self, kind: GraphQLObjectType, key: str, details: list[FieldDetails]) -> Selected:
        name = details[0].node.name.value
        for detail in details:
            for directive in detail.node.directives or ():
                if directive.name.value not in PLANNED_DIRECTIVES:
                    raise Unplanned(f"@{directive.name.value}")
        if name == TYPENAME:
            return Selected(key, name, details, kind, None)
        field = kind.fields.get(name)
        if field is None:
            raise Unplanned("introspection")
        return Selected(key, name, details, kind, field)
