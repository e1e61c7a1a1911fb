"""/metrics: figures that Prometheus reads, of what the worker really does, and not for everybody in production."""

import re
import secrets
import socket

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.databases import OwnDatabase
from tests.running import Running, command, serve
from tests.wire.caller import LOGIN, PASSWORD, Caller, Owner, register
from tests.wire.line import FOLLOW, line_to
from tests.wire.signer import CREATE, make_signer


async def read(web: httpx.AsyncClient, **headers: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    answer = await web.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    samples = [s for family in text_string_to_metric_families(answer.text) for s in family.samples]
    return {s.name + "".join(f" {value}" for value in s.labels.values()): s.value for s in samples}


async def test_what_is_followed_is_counted(dialect, running, owner, chat):
    broker = "local" if dialect == "sqlite" else dialect
    before = await read(running.web)
    assert before["switchboard_broker_up " + broker] == 1
    async with line_to(running, owner) as first, line_to(running, owner) as second:
        for line in (first, second):
            await line.subscribe("a", FOLLOW, conversationId=chat, after=0)
            await line.read()
        await owner.send(chat, "live")
        for line in (first, second):
            assert (await line.read())["payload"]["data"]["messageAdded"]["sequence"] == 2
        during = await read(running.web)
        grown = {name: value - before.get(name, 0) for name, value in during.items()}
        assert grown["switchboard_sockets"] == grown["switchboard_subscriptions"] == 2
        assert grown["switchboard_followed_subjects"] == 1
        assert grown["switchboard_subscriptions_begun_total conversation true"] == 2
        assert (grown["switchboard_events_executed_total"], grown["switchboard_events_shared_total"]) == (
            1,
            1,
        )
        live = (await running.web.get("/health")).json()["checks"]["live"]
        assert (live["sockets"], live["subscriptions"]) == (
            during["switchboard_sockets"],
            during["switchboard_subscriptions"],
        )
    assert during["process_resident_memory_bytes"] > 0


async def test_operations_are_counted_over_every_transport(own_database: OwnDatabase):
    # A server of its own: how many names are counted is bounded, and others have given theirs.
    async with own_database() as url, serve(url) as running:
        await count_operations(running, await register(running.web))


async def count_operations(running: Running, owner: Owner) -> None:
    name = f"Counted{secrets.token_hex(4)}"
    document = f"query {name} {{ viewer {{ permissions }} }}"
    before = await read(running.web)
    await owner.post(document)
    await owner.post(f"{document} query Beside {{ __typename }}", accept="text/event-stream")
    await running.web.get("/graphql", params={"query": document}, headers=owner.headers)
    async with line_to(running, owner) as line:
        await line.subscribe("1", document)
        assert (await line.read())["type"] == "next"
        assert (await line.read())["type"] == "complete"
    await owner.post(document.replace("permissions", "nothing"))
    await Caller(running.web).post(f"query Stranger{name} {{ __typename }}")
    await Caller(running.web).post("{ channels { totalCount } }")
    await owner.web.post("/graphql", content="nonsense", headers={"Content-Type": "application/json"})
    after = await read(running.web)
    grown = {key: value - before.get(key, 0) for key, value in after.items()}
    # Of the two documents with several operations none was named: that is a refusal of its own.
    assert grown[f"switchboard_operations_total OK {name}"] == 3
    assert grown[f"switchboard_operations_total VALIDATION_ERROR {name}"] == 2
    assert grown["switchboard_operations_total OK other"] >= 1
    assert f"switchboard_operations_total OK Stranger{name}" not in after
    assert grown["switchboard_operations_total UNAUTHENTICATED unnamed"] == 1
    assert grown["switchboard_refused_total UNAUTHENTICATED"] == 1
    assert grown["switchboard_refused_total VALIDATION_ERROR"] == 3
    assert grown[f"switchboard_operation_seconds_count {name}"] == 5
    assert grown[f"switchboard_operation_seconds_bucket +Inf {name}"] == 5
    assert after["switchboard_database_connections_max"] >= 2
    assert after["switchboard_database_waiting"] == 0


async def test_in_production_it_takes_a_permission(production):
    running, url = production
    assert (await running.web.get("/metrics")).status_code == 401
    assert (await running.web.get("/metrics", headers={"Authorization": "Bearer x"})).status_code == 401
    # Registering a workspace is open to anybody, and the figures are those of all workspaces.
    owner = await register(running.web)
    assert (await running.web.get("/metrics", headers=owner.headers)).status_code == 403
    refused = (await owner.post(CREATE, client_with("METRICS_READ"))).json()
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["ACCESS_DENIED"]
    superuser = await become_superuser(running.web, url)
    assert (await read(running.web, **superuser.headers))["switchboard_draining"] == 0
    # Who has it may give it away. A program signs what it asks for, as everywhere.
    signers = [await make_signer(superuser, permission) for permission in ("METRICS_READ", "CHATS_READ")]
    signed = [signer.sign(running.web.build_request("GET", "/metrics")) for signer in signers]
    assert [(await running.web.send(request)).status_code for request in signed] == [200, 403]


def client_with(*permissions: str) -> dict[str, object]:
    return {"name": secrets.token_hex(6), "permissions": permissions, "allowedHosts": None}


async def become_superuser(web: httpx.AsyncClient, url: str) -> Caller:
    """Somebody who was made on the machine of the server."""
    name = f"root-{secrets.token_hex(4)}"
    given = ("--username", name, "--email", f"{name}@example.com", "--password", PASSWORD)
    assert (await command("create-admin", *given, DATABASE_URL=url))[0] == 0
    signed_in = await Caller(web).ask(LOGIN, username=name, password=PASSWORD)
    return Caller(web, signed_in["accessToken"])


async def test_a_port_of_its_own(own_database: OwnDatabase):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with own_database() as url, serve(url, PROMETHEUS_PORT=str(port)) as running:
        told = await running.log.find(lambda line: "serving metrics" in line)
        found = re.search(r"port=\D*(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", told))
        assert found is not None, told
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{found[1]}") as web:
            assert (await read(web))["switchboard_sockets"] == 0
        assert (await running.web.get("/metrics")).status_code == 404
