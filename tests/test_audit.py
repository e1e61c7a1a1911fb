"""The audit log: who changed what, written with the change, told in order, and never changed."""

from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from db.accounts import Workspace
from db.audit import AuditEntry
from db.base import Permission, Viewer
from schema import schema
from schema.kit.ids import encode, split
from services.server import Server
from tests import tenant as tenants
from tests.ask import Ask
from tests.auth import REFRESH
from tests.make import Make
from tests.tenant import Tenant, mutation_document, snapshot, uuid_of

GRAPH = schema._schema
assert GRAPH.mutation_type is not None
MUTATIONS = sorted(GRAPH.mutation_type.fields)
UNTOLD = {"conversationMarkRead", "presenceSet", "tokenRefresh"}
"""What writes no entry: what somebody has read, what is never kept, and a session that only goes on."""
ABOUT = {"register": "workspace", "login": "session", "logout": "session", "passwordChange": "user"}
"""What an entry is about, where the field's own noun does not say so."""
ABOUT |= {"ordersTransition": "order"}
ABOUT |= {f"serviceClient{did}": "client" for did in ("Create", "RotateSecret", "Delete")}
FIELDS = {
    "serviceClientRotateSecret": ["previousSecret", "secret"],
    "logout": ["isActive"],
    "sessionRevoke": ["isActive"],
    "passwordChange": ["password"],
    "workspaceUpdate": ["name", "timeZone"],
    "channelUpdate": ["name", "scopes", "metadata"],
    "productUpdate": ["name", "price", "description"],
    "orderUpdate": ["seller", "billingAddress"],
    "orderTransition": ["status"],
    "ordersTransition": ["status"],
    "chatUpdate": ["status", "platformChatId"],
    "chatAssign": ["assignee"],
    "messageEdit": ["content", "editedAt"],
    "customerUpdate": ["fullName", "email", "phone", "metadata"],
    "userUpdate": ["fullName"],
    "roleSet": ["name", "description", "permissions"],
}
"""The fields that are told of a change, wherever what changed was there before and still is."""
LOG = """query($first: Int, $where: AuditFilter) { auditLog(first: $first, where: $where) { nodes {
  id at action requestId actor { id displayName } subjectId subject { __typename id } changedFields } totalCount } }"""
SEND = """mutation($id: ID!, $key: String, $reply: ID) {
  messageSend(input: {conversationId: $id, content: "Hi", clientKey: $key, replyToId: $reply}) {
  message { id } userErrors { code } } }"""


async def log(ask: Ask, viewer: Viewer, **where: Any) -> list[dict[str, Any]]:
    """The entries, newest first."""
    page = (await ask(viewer, LOG, first=100, where=where or None)).ok()
    assert page["totalCount"] == len(page["nodes"])
    return list(page["nodes"])


async def raw_entries(make: Make, viewer: Viewer) -> list[Any]:
    """Every stored column of the workspace's entries."""
    mine = select(AuditEntry.__table__).where(AuditEntry.workspace_id == viewer.workspace_id)
    return list(await make.server.database.fetch(mine))


async def total(make: Make) -> int:
    rows = await make.server.database.fetch(select(func.count()).select_from(AuditEntry))
    return int(rows[0][0])


def texts(value: Any) -> list[str]:
    """Every text in an input that is no id and long enough to be told from a word of ours."""
    if isinstance(value, dict):
        return [t for v in value.values() for t in texts(v)]
    if isinstance(value, list):
        return [t for v in value for t in texts(v)]
    return [value] if isinstance(value, str) and len(value) > 3 and split(value)[1] is None else []


def given(tenant: Tenant, name: str) -> dict[str, Any]:
    """The input of a mutation, with content and tokens that would be found wherever they are kept."""
    input = tenant.inputs()[name]
    marked = {"content", "accessToken", "refreshToken"} if name != "tokenRefresh" else set()
    return input | {key: f"{key} {tenant.mark}" for key in marked & input.keys()}


@pytest.fixture
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_writes_its_entry_and_nothing_of_what_it_was_given(
    name: str, ask: Ask, make: Make, ours: Tenant
) -> None:
    before, count, input = await log(ask, ours.owner), await total(make), given(ours, name)
    (await ask(ours.owner, mutation_document(name), input=input)).ok()
    assert await total(make) == count + (name not in UNTOLD)
    raw = str(await make.server.database.fetch(select(AuditEntry.__table__)))
    assert [t for t in texts(input) if t in raw] == []
    if name in UNTOLD | {"register"}:
        return
    entry, *rest = await log(ask, ours.owner)
    assert [e["id"] for e in rest] == [e["id"] for e in before]
    assert (entry["action"], entry["requestId"]) == (name, "test")
    actor = ours.ids["user"] if name == "login" else encode("user", ours.owner.id)
    assert entry["actor"]["id"] == actor
    nouns = (
        "user",
        "role",
        "session",
        "workspace",
        "channel",
        "customer",
        "product",
        "order",
        "chat",
        "message",
    )
    prefix = ABOUT.get(name) or next(n for n in nouns if name.startswith(n))
    assert split(entry["subjectId"])[0] == prefix
    assert sorted(entry["changedFields"]) == sorted(FIELDS.get(name, []))
    gone = name == "roleDelete"
    assert (entry["subject"] is None) is gone
    assert gone or entry["subject"]["id"] == entry["subjectId"]


async def test_a_registration_is_told_in_the_workspace_that_it_made(ask: Ask, ours: Tenant) -> None:
    document = mutation_document("register", "accessToken user { id }")
    made = (await ask(None, document, input=ours.inputs()["register"])).ok()
    claims = ask.server.tokens.read(made["accessToken"])
    viewer = Viewer(claims.user_id, claims.workspace_id, claims.session_id, frozenset(Permission))
    (entry,) = await log(ask, viewer)
    assert (entry["action"], entry["actor"]["id"]) == ("register", made["user"]["id"])
    assert entry["subject"] == {"__typename": "Workspace", "id": encode("workspace", viewer.workspace_id)}


async def test_what_is_refused_writes_nothing(ask: Ask, make: Make, ours: Tenant) -> None:
    before = await snapshot(make, ours)
    document = mutation_document("productUpdate")
    keyed = document.replace("(input: $input)", '(input: $input) @idempotent(key: "k")')
    for text in (document, keyed):
        refused = await ask(
            ours.owner, text, input={"id": ours.ids["product"], "name": "Tea", "expectedVersion": 99}
        )
        assert refused.codes == ["STALE_VERSION"]
    wrong = {"username": f"member-{ours.mark}", "password": "not the password"}
    assert (await ask(None, mutation_document("login"), input=wrong)).codes == ["INVALID_CREDENTIALS"]
    after = await snapshot(make, ours)
    assert after["audit_entries"] == before["audit_entries"]
    (await ask(ours.owner, document, input={"id": ours.ids["product"], "name": "Tea"})).ok()
    assert len((await snapshot(make, ours))["audit_entries"]) == len(before["audit_entries"]) + 1


async def test_what_is_done_once_is_told_once(ask: Ask, make: Make, ours: Tenant) -> None:
    before = len(await log(ask, ours.owner))
    keyed = mutation_document("productCreate").replace(
        "(input: $input)", '(input: $input) @idempotent(key: "k")'
    )
    received = given(ours, "messageReceive")
    for _ in range(3):
        (await ask(ours.owner, keyed, input=ours.inputs()["productCreate"] | {"sku": "once"})).ok()
        (await ask(ours.owner, SEND, id=ours.ids["chat"], key="once")).ok()
        (await ask(ours.owner, mutation_document("messageReceive"), input=received)).ok()
    entries = await log(ask, ours.owner)
    assert len(entries) == before + 3
    assert {e["action"] for e in entries[:3]} == {"productCreate", "messageSend", "messageReceive"}


async def test_what_changes_nothing_is_not_told(ask: Ask, ours: Tenant) -> None:
    before = await log(ask, ours.owner)
    (await ask(ours.owner, mutation_document("productUpdate"), input={"id": ours.ids["product"]})).ok()
    open_already = {"customerId": ours.ids["customer"]}
    (await ask(ours.owner, mutation_document("chatOpen"), input=open_already)).ok()
    assert await log(ask, ours.owner) == before


async def test_a_message_is_told_alike_however_it_is_written(ask: Ask, ours: Tenant) -> None:
    plain = (await ask(ours.owner, SEND, id=ours.ids["chat"])).ok()
    reply = (await ask(ours.owner, SEND, id=ours.ids["chat"], reply=ours.ids["message"])).ok()
    entries = (await log(ask, ours.owner))[:2]
    assert [e["subjectId"] for e in entries] == [reply["message"]["id"], plain["message"]["id"]]
    told = [{k: v for k, v in e.items() if k not in ("id", "at", "subject", "subjectId")} for e in entries]
    assert told[0] == told[1]
    assert [e["subject"]["__typename"] for e in entries] == ["Message", "Message"]


async def test_each_field_of_a_document_has_its_entry_by_its_own_name(ask: Ask, ours: Tenant) -> None:
    document = """mutation($product: ID!, $chat: ID!) {
      renamed: productUpdate(input: {id: $product, name: "Tea"}) { userErrors { code } }
      gone: productDelete(input: {id: $product, expectedVersion: 99}) { userErrors { code } }
      waiting: chatUpdate(input: {id: $chat, status: PENDING}) { userErrors { code } } }"""
    answer = await ask(ours.owner, document, product=ours.ids["product"], chat=ours.ids["chat"])
    assert answer.codes == ["STALE_VERSION"]
    entries = (await log(ask, ours.owner))[:3]
    assert [e["action"] for e in entries] == ["chatUpdate", "productUpdate", "productUpdate"]
    assert entries[1]["changedFields"] == ["name"]


async def test_orders_moved_together_are_told_one_by_one(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    ids = [encode("order", (await make.order(owner)).id) for _ in range(3)]
    (await ask(owner, mutation_document("ordersTransition"), input={"ids": ids, "to": "PROCESSING"})).ok()
    entries = await log(ask, owner)
    assert {e["subjectId"] for e in entries} == set(ids)
    assert {e["action"] for e in entries} == {"ordersTransition"}


async def test_a_refresh_token_used_twice_is_told_as_the_end_of_its_session(ask: Ask, ours: Tenant) -> None:
    before = await log(ask, ours.owner)
    successor = (await ask(None, REFRESH, token=ours.refresh_token)).ok()["refreshToken"]
    (await ask(None, REFRESH, token=successor)).ok()
    assert await log(ask, ours.owner) == before
    again = await ask(None, REFRESH, token=ours.refresh_token)
    assert again.codes == ["INVALID_CREDENTIALS"]
    entry, *rest = await log(ask, ours.owner)
    assert rest == before
    assert (entry["action"], entry["changedFields"]) == ("tokenRefresh", ["isActive"])
    assert entry["subject"]["__typename"] == "Session"


async def test_roles_given_and_taken_are_told(ask: Ask, make: Make, ours: Tenant) -> None:
    agent = await make.member(ours.owner)
    input = {"id": encode("user", agent.id), "roleIds": [ours.ids["role"]]}
    before = await log(ask, ours.owner)
    for _ in range(2):
        (await ask(ours.owner, mutation_document("userUpdate"), input=input)).ok()
    entry, *rest = await log(ask, ours.owner)
    assert rest == before
    assert (entry["subjectId"], entry["changedFields"]) == (input["id"], ["roles"])


async def test_the_log_is_filtered_by_actor_subject_and_time(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    colleague = await make.member(owner, Permission.PRODUCTS_WRITE, Permission.AUDIT_READ)
    product, other = await make.product(owner), await make.product(owner)
    id, others = encode("product", product.id), encode("product", other.id)
    for viewer, changed in ((owner, id), (colleague, id), (owner, others)):
        (await ask(viewer, mutation_document("productUpdate"), input={"id": changed, "name": "Tea"})).ok()
    by_id = encode("user", colleague.id)
    last, mine, first = await log(ask, owner)
    assert [e["subjectId"] for e in (last, mine, first)] == [others, id, id]
    assert await log(ask, owner, actor={"eq": by_id}) == [mine]
    assert await log(ask, owner, subject={"eq": id}) == [mine, first]
    assert await log(ask, owner, subject={"in": [id, others]}) == [last, mine, first]
    assert await log(ask, owner, at={"gte": mine["at"]}) == [last, mine]
    assert await log(ask, owner, actor={"eq": by_id}, subject={"eq": others}) == []
    assert await log(ask, owner, subject={"eq": "nothing"}) == []
    assert [e["subject"] for e in await log(ask, colleague)] == [None, None, None]
    assert [e["subjectId"] for e in await log(ask, colleague)] == [others, id, id]


async def test_the_actor_stays_when_it_is_deleted_and_the_subject_too(ask: Ask, ours: Tenant) -> None:
    for field, id in (("productDelete", ours.ids["product"]), ("userDelete", ours.ids["user"])):
        (await ask(ours.owner, mutation_document(field), input={"id": id})).ok()
    (entry,) = [e for e in await log(ask, ours.owner) if e["id"] == ours.ids["audit"]]
    assert entry["subject"]["id"] == ours.ids["product"]
    assert entry["actor"]["id"] == ours.ids["user"]
    assert ours.mark not in entry["actor"]["displayName"]


async def test_the_database_itself_keeps_the_entries(make: Make, ours: Tenant) -> None:
    database, id = make.server.database, uuid_of(ours.ids["audit"])
    before = await raw_entries(make, ours.owner)
    for change in (
        update(AuditEntry).where(AuditEntry.id == id).values(action="nothing"),
        delete(AuditEntry).where(AuditEntry.id == id),
    ):
        with pytest.raises(DBAPIError, match="never changed"):
            async with database.write() as connection:
                await connection.execute(change)
        assert await raw_entries(make, ours.owner) == before
    async with database.write() as connection:
        await connection.execute(delete(Workspace).where(Workspace.id == ours.owner.workspace_id))
    assert await raw_entries(make, ours.owner) == []


def test_every_mutation_was_walked() -> None:
    assert len(MUTATIONS) >= 31
    assert set(MUTATIONS) >= UNTOLD | set(ABOUT) | set(FIELDS)
