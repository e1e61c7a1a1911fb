"""No edge runs a statement for each parent: as many SQL statements for fifty parents as for one."""

from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type

from schema import schema
from schema.kit.edges import AnyNode, AnyOne, ByKey, Few, Many, One
from schema.kit.node import NODES
from schema.kit.resolvers import declaration_of
from services.server import Server
from tests import world as worlds
from tests.ask import Ask
from tests.make import Make
from tests.statements import StatementCounter

GRAPH = schema._schema
EDGE_KINDS = (One, AnyOne, AnyNode, Many, Few)
ONE_PARENT_ONLY = {"Query", "Viewer", "ChangeEvent", "Presence"}
NAMES = {node.name for node in NODES.values()}


def declared_edges() -> list[tuple[str, str, Any]]:
    """Every edge out of a type: its type, its field, its declaration."""
    found = []
    for kind in GRAPH.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for name, field in kind.fields.items():
                declared = declaration_of(field)
                if isinstance(declared, EDGE_KINDS):
                    found.append((kind.name, name, declared))
    return found


EDGES = [e for e in declared_edges() if e[0] not in ONE_PARENT_ONLY]
ROOT_LISTS = [e for e in declared_edges() if e[0] == "Query"]


@pytest.fixture(scope="session")
async def world(server: Server) -> worlds.World:
    made = await worlds.build(Make(server))
    ask = Ask(server)
    for name, query in {
        "Role": "{ roles { id } }",
        "OrderItem": "{ orders(first: 50) { nodes { items { id } } } }",
    }.items():
        found = (await ask(made.viewer, query)).ok()
        rows = found if isinstance(found, list) else [i for o in found["nodes"] for i in o["items"]]
        made.ids[name] = [row["id"] for row in rows][: worlds.SIZE]
    return made


def selection(declared: Any) -> str:
    if isinstance(declared, Many):
        return "{ nodes { __typename id } edges { cursor node { id } } pageInfo { hasNextPage endCursor } totalCount }"
    return "{ __typename id }"


def children(value: Any) -> list[Any]:
    if isinstance(value, dict) and "nodes" in value:
        return list(value["nodes"])
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(("kind", "name", "declared"), EDGES, ids=[f"{k}.{n}" for k, n, _ in EDGES])
async def test_an_edge_costs_the_same_for_one_parent_and_for_fifty(
    kind: str, name: str, declared: Any, world: worlds.World, ask: Ask, statements: StatementCounter
) -> None:
    ids = world.ids[kind]
    assert len(set(ids)) >= worlds.SIZE
    document = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ edge: {name} {selection(declared)} }} }} }}"
    one = (await ask(world.viewer, document, ids=ids[:1])).ok()
    for_one = statements.count
    statements.reset()
    many = (await ask(world.viewer, document, ids=ids[: worlds.SIZE])).ok()
    kinds_more = len(declared.choices) - 1 if isinstance(declared, AnyOne) else 0
    kinds_more = worlds.SUBJECT_KINDS - 1 if isinstance(declared, AnyNode) else kinds_more
    assert for_one <= statements.count <= for_one + kinds_more, "\n".join(statements.texts)
    assert 0 < for_one <= 4
    assert len(one) == 1
    reached = {c["id"] for parent in many if parent for c in children(parent["edge"]) if c}
    assert len(reached) >= worlds.SIZE / 2, "the parents have too few different children to show anything"


@pytest.mark.parametrize(("kind", "name", "declared"), ROOT_LISTS, ids=[n for _, n, _ in ROOT_LISTS])
async def test_a_root_list_costs_the_same_for_one_row_and_for_fifty(
    kind: str, name: str, declared: Any, world: worlds.World, ask: Ask, statements: StatementCounter
) -> None:
    counts = []
    for size in (1, worlds.SIZE):
        arguments = f"(first: {size})" if isinstance(declared, Many) else ""
        statements.reset()
        rows = children((await ask(world.viewer, f"{{ {name}{arguments} {selection(declared)} }}")).ok())
        counts.append(statements.count)
        assert len(rows) >= size
    assert counts[0] == counts[1] <= 2


async def test_lists_in_lists_cost_one_statement_a_level(
    world: worlds.World, ask: Ask, statements: StatementCounter
) -> None:
    document = """query($first: Int!) { chats(first: $first) { nodes { id
      messages(last: 10) { nodes { id sender { id displayName } replyTo { sender { id } } } } lastMessage { id }
      customer { id channel { owner { roles { id } } } orders(first: 5) { nodes { id items { product { id owner { id } } } } } } } } }"""
    counts = []
    for size in (1, worlds.SIZE):
        statements.reset()
        assert len((await ask(world.viewer, document, first=size)).ok()["nodes"]) == size
        counts.append(statements.count)
    assert counts[1] <= counts[0] + 1  # one chat may lack a sender of one of the two kinds
    assert counts[1] <= 16


def leads_to_rows(field: Any) -> bool:
    """Whether a field's value is a row of a node type, a page of them, or something that may be one."""
    kind: Any = get_named_type(field.type)
    if isinstance(kind, GraphQLObjectType):
        return kind.name in NAMES or kind.name.endswith("Connection")
    return isinstance(kind, GraphQLInterfaceType | GraphQLUnionType)


def test_every_field_that_leads_to_rows_was_walked() -> None:
    kinds = [GRAPH.type_map[name] for name in NAMES]
    leading = {(k.name, n) for k in kinds for n, f in k.fields.items() if leads_to_rows(f)}  # type: ignore[attr-defined]
    assert leading == {(kind, name) for kind, name, _ in EDGES}
    assert len(leading) >= 35
    assert GRAPH.query_type is not None
    roots = {n for n, f in GRAPH.query_type.fields.items() if leads_to_rows(f)}
    lookups = {n for n, f in GRAPH.query_type.fields.items() if isinstance(declaration_of(f), ByKey)}
    assert roots == {n for _, n, _ in ROOT_LISTS} | lookups | {"node", "nodes"}
    assert (len(ROOT_LISTS), len(lookups)) == (10, 7)
