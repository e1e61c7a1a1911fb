"""Workspaces keep apart: every place of the schema that takes an id is tried with the ids of another workspace."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from schema import schema
from schema.kit.edges import Many
from schema.kit.node import NODES
from schema.kit.resolvers import declaration_of
from services.server import Server
from tests import tenant as tenants
from tests.ask import Ask
from tests.make import Make
from tests.tenant import Tenant, key_type, mutation_document, snapshot, value_at, with_value

GRAPH = schema._schema
assert GRAPH.query_type is not None
assert GRAPH.mutation_type is not None
QUERIES, MUTATIONS = GRAPH.query_type.fields, GRAPH.mutation_type.fields


def taking_ids_as_arguments() -> set[str]:
    """Type.field(argument:) of every plain id argument."""
    return {
        f"{kind.name}.{name}({argument}:)"
        for kind in GRAPH.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        for argument, taken in field.args.items()
        if get_named_type(taken.type).name == "ID"
    }


def lists_with_id_filters() -> list[tuple[str, str, str]]:
    """The owning type, the list's field and the filter's field, of every list that can be filtered by an id."""
    found = []
    for kind in GRAPH.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for name, field in kind.fields.items():
                where: Any = get_named_type(field.args["where"].type) if "where" in field.args else None
                for asked, taken in where.fields.items() if where else ():
                    if get_named_type(taken.type).name == "IdFilter":
                        found.append((kind.name, name, asked))
    return found


ID_LEAVES = tenants.mutation_leaves("ID")
KEYS = [(name, key) for name, field in QUERIES.items() if "by" in field.args for key in key_type(name).fields]
FILTERS = lists_with_id_filters()
NEVER_STORED = {"presenceSet"}
LISTS = [name for name, field in QUERIES.items() if isinstance(declaration_of(field), Many)]
FILTERED_BY = {
    "owner": "user",
    "channel": "channel",
    "customer": "customer",
    "seller": "user",
    "chat": "chat",
    "product": "product",
    "assignee": "user",
    "actor": "user",
    "subject": "product",
}
"""What kind of id each filter takes."""
PARENTS = {"User": "user", "Channel": "channel", "Customer": "customer", "Product": "product", "Chat": "chat"}


@pytest.fixture(scope="session")
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


@pytest.fixture(scope="session")
async def theirs(server: Server) -> Tenant:
    """Numbers beyond ours: what it finds by number is not found in ours."""
    make = Make(server)
    made = await tenants.build(make)
    other = await make.customer(made.owner)
    made.rows["order"] = await make.order(made.owner, other)
    made.rows["chat"] = await make.chat(made.owner, other)
    return made


@pytest.mark.parametrize("name", sorted({name for name, _ in ID_LEAVES}))
async def test_a_mutation_does_not_find_the_ids_of_another_workspace(
    name: str, ask: Ask, make: Make, ours: Tenant
) -> None:
    foreign = await tenants.build(make)
    document, theirs = mutation_document(name), foreign.inputs()[name]
    before = await snapshot(make, ours, foreign)
    for path in [path for mutation, path in ID_LEAVES if mutation == name]:
        stolen = with_value(ours.inputs()[name], path, value_at(theirs, path))
        answer = await ask(ours.owner, document, input=stolen)
        assert answer.codes == ["NOT_FOUND"], path
        assert answer.user_errors[0]["path"] == tenants.spelled(path)
    assert await snapshot(make, ours, foreign) == before
    mine = await snapshot(make, ours)
    (await ask(foreign.owner, document, input=theirs)).ok()
    assert await snapshot(make, ours) == mine
    assert (await snapshot(make, ours, foreign) != before) is (name not in NEVER_STORED)


@pytest.mark.parametrize(("name", "key"), KEYS, ids=[f"{n}.{k}" for n, k in KEYS])
async def test_a_key_finds_nothing_of_another_workspace(
    name: str, key: str, ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    kind = key_type(name).name
    document = f"query($by: {kind}!) {{ {name}(by: $by) {{ id }} }}"
    by = {key: theirs.keys()[name][key]}
    if key == "number":
        by = {key: theirs.rows[name].number}
    assert (await ask(ours.owner, document, by=by)).ok() is None
    assert (await ask(theirs.owner, document, by=by)).ok()["id"]


@pytest.mark.parametrize("prefix", sorted(NODES))
async def test_node_finds_nothing_of_another_workspace(
    prefix: str, ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    document = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }"
    stranger = await ask(ours.owner, document, id=theirs.ids[prefix])
    assert stranger.data == {"node": None, "nodes": [None]}
    owner = await ask(theirs.owner, document, id=theirs.ids[prefix])
    assert owner.data == {"node": {"id": theirs.ids[prefix]}, "nodes": [{"id": theirs.ids[prefix]}]}


@pytest.mark.parametrize("prefix", sorted(NODES))
async def test_an_id_of_another_workspace_is_not_found_beside_ones_own(
    prefix: str, ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    """Under aliases and in one batch: what is read together is seen apart."""
    document = """query($mine: ID!, $stolen: ID!) {
      a: node(id: $stolen) { id } b: node(id: $mine) { id } c: node(id: $stolen) { id }
      nodes(ids: [$mine, $stolen, $mine]) { id } }"""
    for tenant, other in ((ours, theirs), (theirs, ours)):
        mine = {"id": tenant.ids[prefix]}
        answer = await ask(tenant.owner, document, mine=tenant.ids[prefix], stolen=other.ids[prefix])
        assert answer.errors == []
        assert answer.data == {"a": None, "b": mine, "c": None, "nodes": [mine, None, mine]}


@pytest.mark.parametrize("name", sorted({name for name, _ in KEYS}))
async def test_a_key_of_another_workspace_finds_nothing_beside_ones_own(
    name: str, ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    kind = key_type(name).name
    document = f"query($mine: {kind}!, $stolen: {kind}!) {{ a: {name}(by: $stolen) {{ id }} b: {name}(by: $mine) {{ id }} }}"
    mine, stolen = {"id": ours.ids[name]}, {"id": theirs.ids[name]}
    answer = await ask(ours.owner, document, mine=mine, stolen=stolen)
    assert (answer.errors, answer.data) == ([], {"a": None, "b": mine})


@pytest.mark.parametrize(("kind", "name", "asked"), FILTERS, ids=[".".join(f) for f in FILTERS])
async def test_a_filter_finds_nothing_by_the_ids_of_another_workspace(
    kind: str, name: str, asked: str, ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    where = get_named_type(tenants.fields_of(kind)[name].args["where"].type).name
    listing = f"{name}(where: $where) {{ nodes {{ id }} totalCount }}"
    document = f"query($where: {where}) {{ {listing} }}"
    if kind != "Query":
        document = f"query($where: {where}, $parent: ID!) {{ node(id: $parent) {{ ... on {kind} {{ {listing} }} }} }}"
    stolen = theirs.ids[FILTERED_BY[asked]]

    async def found(tenant: Tenant, condition: dict[str, Any]) -> Any:
        parent = {} if kind == "Query" else {"parent": tenant.ids[PARENTS[kind]]}
        answer = (await ask(tenant.owner, document, where={asked: condition}, **parent)).ok()
        return answer if kind == "Query" else answer[name]

    for condition in ({"eq": stolen}, {"in": [stolen]}, {"in": [stolen, stolen]}):
        assert await found(ours, condition) == {"nodes": [], "totalCount": 0}
        assert (await found(theirs, condition))["totalCount"] > 0


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_holds_nothing_of_another_workspace(
    name: str, ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    document = f"{{ {name}(first: 100) {{ nodes {{ id }} edges {{ node {{ id }} }} totalCount }} }}"
    seen = [(await ask(t.owner, document)).ok() for t in (ours, theirs)]
    mine, foreign = [{row["id"] for row in page["nodes"]} for page in seen]
    assert mine
    assert foreign
    assert mine.isdisjoint(foreign)
    assert [page["totalCount"] for page in seen] == [len(mine), len(foreign)]


async def test_roles_clients_and_viewer_are_of_the_own_workspace(
    ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    roles = [{r["id"] for r in (await ask(t.owner, "{ roles { id } }")).ok()} for t in (ours, theirs)]
    assert roles[0].isdisjoint(roles[1])
    assert theirs.ids["role"] in roles[1]
    clients = "{ serviceClients { id } }"
    mine, foreign = [{c["id"] for c in (await ask(t.owner, clients)).ok()} for t in (ours, theirs)]
    assert mine == {ours.ids["client"]}
    assert theirs.ids["client"] in foreign
    seen = (await ask(ours.owner, "{ viewer { workspace { id } } }")).ok()
    assert seen == {"workspace": {"id": ours.ids["workspace"]}}


async def test_nobody_follows_a_conversation_of_another_workspace(
    ask: Ask, ours: Tenant, theirs: Tenant
) -> None:
    document = "subscription($id: ID!) { messageAdded(conversationId: $id, after: 0) { id } }"
    async with ask.follow(ours.owner, document, id=theirs.ids["chat"]) as answers:
        assert (await anext(answers)).codes == ["NOT_FOUND"]
    async with ask.follow(theirs.owner, document, id=theirs.ids["chat"]) as answers:
        assert (await anext(answers)).ok() == {"id": theirs.ids["message"]}
    present = "subscription($id: ID!) { presenceChanged(conversationId: $id) { id } }"
    async with ask.follow(ours.owner, present, id=theirs.ids["chat"]) as answers:
        assert (await anext(answers)).codes == ["NOT_FOUND"]
    async with ask.follow(theirs.owner, present, id=theirs.ids["chat"]) as answers:
        assert (await anext(answers)).ok() == {"id": theirs.ids["chat"]}


async def test_every_place_that_takes_an_id_was_tried(ours: Tenant) -> None:
    assert taking_ids_as_arguments() == {
        "Query.node(id:)",
        "Query.nodes(ids:)",
        "Subscription.messageAdded(conversationId:)",
        "Subscription.presenceChanged(conversationId:)",
    }
    inputs, keys = ours.inputs(), ours.keys()
    assert inputs.keys() == MUTATIONS.keys()
    for name, path in ID_LEAVES:
        assert value_at(inputs[name], path), f"{name} has no id at {path} in its valid input"
    assert {n: set(k) for n, k in keys.items()} == {n: set(key_type(n).fields) for n, _ in KEYS}
    assert {kind for kind, _, _ in FILTERS} == {"Query", *PARENTS} - {"Product"}
    assert NODES.keys() <= ours.ids.keys()
    assert (len(ID_LEAVES), len(KEYS), len(FILTERS), len(LISTS)) == (39, 18, 45, 8)
