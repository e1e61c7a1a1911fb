"""`@node`: makes a class of annotated lines a GraphQL type whose source objects are the rows of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Annotated, Any, TypeVar, dataclass_transform

import strawberry
from strawberry.types.fields.resolver import StrawberryResolver

from db.base import Permission, Row
from schema.kit import access
from schema.kit.costs import Cost
from schema.kit.docs import attribute_docs, class_doc
from schema.kit.edges import ByKey, Declaration, Few, Many, One, TypedId
from schema.kit.statements import TYPE_NAME

C = TypeVar("C", bound=type)
DECLARED = "declared"


@strawberry.interface(description="Anything that can be fetched again by its id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Typed id: finds the row again through `node`.")


@dataclass(frozen=True)
class NodeType:
    """What the kit knows of a type made by @node."""

    name: str
    table: type[Row]
    prefix: str
    needs: Permission | None
    kind: str | None

    def edge(self) -> One:
        """The edge from an id to its row, which carries the type's name."""
        return One(self.table, ("id",), kind=self.kind, type_name=self.name)


NODES: dict[str, NodeType] = {}
"""Every node type, by the prefix of its ids."""
EDGES_BY_ID: dict[str, One] = {}


def node(
    table: type[Row], prefix: str, needs: Permission | None = None, kind: str | None = None
) -> Callable[[C], C]:
    """Publishes a table as a type. `needs` is the permission to see it, `kind` tells rows of a shared table apart."""

    def make(cls: C) -> C:
        docs = attribute_docs(cls)
        cls.__annotations__ = {"id": strawberry.ID, **cls.__annotations__}
        cls.id = TypedId(prefix)  # type: ignore[attr-defined]
        docs["id"] = f"`{prefix}_` and 32 hexadecimal digits."
        publish_fields(cls, docs)
        cls.is_type_of = classmethod(_is_type_of(cls.__name__, kind))  # type: ignore[attr-defined]
        description = access.with_need(class_doc(cls), needs)
        made: C = strawberry.type(cls, description=description, directives=access.marks(needs))
        NODES[prefix] = NodeType(cls.__name__, table, prefix, needs, kind)
        EDGES_BY_ID[prefix] = NODES[prefix].edge()
        return made

    return make


def node_of_table(name: str) -> NodeType | None:
    """The node type that the rows of a table are; None where they are none."""
    return next((n for n in NODES.values() if n.table.__tablename__ == name), None)


def _is_type_of(name: str, kind: str | None) -> Callable[..., bool]:
    def is_type_of(_cls: type, row: Any, _info: Any = None) -> bool:
        """A plain row knows no type: edges to abstract types select the name with it, shared tables have a kind."""
        label = getattr(row, TYPE_NAME, None)
        if label is not None:
            return bool(label == name)
        return kind is None or row.kind == kind

    return is_type_of


def publish_fields(cls: type, docs: dict[str, str]) -> None:
    """Turns declarations and plain annotations of a class into Strawberry fields with their descriptions."""
    for name, annotation in cls.__annotations__.items():
        given = cls.__dict__.get(name)
        if isinstance(given, Declaration):
            setattr(cls, name, _declared_field(given, annotation, docs.get(name)))
        elif given is None:
            setattr(cls, name, strawberry.field(description=docs.get(name)))


def interface(cls: C) -> C:
    """Publishes a class as an interface: what several types have in common."""
    publish_fields(cls, attribute_docs(cls))
    made: C = strawberry.interface(cls, description=class_doc(cls))
    return made


@dataclass_transform(kw_only_default=True)
def described_type(cls: C) -> C:
    """Publishes a class of plain values, made by us and not read from a table."""
    publish_fields(cls, attribute_docs(cls))
    made: C = strawberry.type(cls, description=class_doc(cls))
    return made


def root(cls: C) -> C:
    """Makes a class of declarations a part of Query, Mutation or Subscription."""
    publish_fields(cls, attribute_docs(cls))
    made: C = strawberry.type(cls, description="")
    return made


def _declared_field(declaration: Declaration, annotation: Any, description: str | None) -> Any:
    cost, arguments = Cost.of(declaration), _arguments_of(declaration)
    needs = declaration.needs if isinstance(declaration, Few) else None
    options: dict[str, Any] = {
        "description": cost.described(access.with_need(description, needs)),
        "directives": [*access.marks(needs), *cost.marks()],
        "metadata": {DECLARED: declaration, access.NEEDS: needs},
    }
    if arguments:
        options["resolver"] = _signed(arguments, annotation)
    return strawberry.field(**options)


def _argument(kind: Any, description: str, default: Any = strawberry.UNSET) -> Parameter:
    annotation = Annotated[kind, strawberry.argument(description=description)]
    return Parameter("_", Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _arguments_of(declaration: Declaration) -> dict[str, Parameter]:
    if isinstance(declaration, ByKey):
        return {"by": _argument(declaration.input, "Exactly one key.", Parameter.empty)}
    if not isinstance(declaration, Many):
        return {}
    listing = declaration.listing
    arguments = dict(PAGE_ARGUMENTS)
    if declaration.key is None:
        arguments["offset"] = _argument(
            int | None, "Rows to skip, at most 10,000; not with a cursor or `last`."
        )
    if listing.filter_by is not None:
        arguments["where"] = _argument(listing.filter_by | None, "Which rows.")
    if listing.sort_by is not None:
        sorts: Any = list[listing.sort_by]  # type: ignore[name-defined]
        arguments["sort"] = _argument(sorts | None, "In which order; it ends in the id by itself.")
    return arguments


PAGE_ARGUMENTS = {
    "first": _argument(
        int | None, "How many rows from the start, or after `after`. 20 where no size is given."
    ),
    "after": _argument(str | None, "Cursor: what comes after it."),
    "last": _argument(int | None, "How many rows from the end, or before `before`."),
    "before": _argument(str | None, "Cursor: what comes before it."),
}


def _signed(arguments: dict[str, Parameter], annotation: Any) -> StrawberryResolver[Any]:
    """A resolver that is never called: Strawberry takes a field's arguments from a signature alone."""

    def unused(self: Any) -> Any: ...

    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    named = [p.replace(name=n) for n, p in arguments.items()]
    unused.__signature__ = Signature([own, *named], return_annotation=annotation)  # type: ignore[attr-defined]
    unused.__annotations__ = {p.name: p.annotation for p in named} | {"return": annotation}
    return StrawberryResolver(unused)
