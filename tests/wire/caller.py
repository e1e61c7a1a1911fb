"""Asks a running server over HTTP, as whoever a token says."""

import secrets
from typing import Any

import httpx

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
PASSWORD = "correct horse battery staple"
REGISTER = """mutation ($username: String!, $email: String!, $password: String!) {
  register(input: {username: $username, email: $email, password: $password}) {
    accessToken refreshToken user { id } userErrors { code message path }
  }
}"""
ROLE = """mutation ($name: String!, $permissions: [Permission!]!) {
  roleSet(input: {name: $name, permissions: $permissions}) { role { id } userErrors { code message path } }
}"""
USER = """mutation ($username: String!, $email: String!, $password: String!, $roleIds: [ID!]) {
  userCreate(input: {username: $username, email: $email, password: $password, roleIds: $roleIds}) {
    user { id } userErrors { code message path }
  }
}"""
LOGIN = """mutation ($username: String!, $password: String!) {
  login(input: {username: $username, password: $password}) {
    accessToken refreshToken user { id } userErrors { code message path }
  }
}"""
CONNECT = """mutation {
  channelConnect(input: {platformType: WHATSAPP, name: "Shop"}) {
    channel { id } userErrors { code message path }
  }
}"""
RECEIVE = """mutation ($input: MessageReceiveInput!) {
  messageReceive(input: $input) { message { sequence chat { id } } userErrors { code message path } }
}"""
SEND = """mutation ($conversationId: ID!, $content: String!) {
  messageSend(input: {conversationId: $conversationId, content: $content}) {
    message { sequence content } userErrors { code message path }
  }
}"""


class Caller:
    """One client; nobody without a token."""

    def __init__(self, web: httpx.AsyncClient, token: str = "") -> None:
        self.web, self.token = web, token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    async def post(
        self, document: str, variables: Any = None, *, accept: str = GRAPHQL_JSON, **headers: str
    ) -> httpx.Response:
        """The bare answer."""
        body = {"query": document, "variables": variables}
        return await self.web.post(
            "/graphql", json=body, headers={**self.headers, "Accept": accept, **headers}
        )

    async def ask(self, document: str, /, **variables: Any) -> Any:
        """The first root field of an answer without any error."""
        answer = (await self.post(document, variables)).json()
        assert "errors" not in answer, answer
        field = next(iter(answer["data"].values()))
        assert not (isinstance(field, dict) and field.get("userErrors")), field
        return field


class Owner(Caller):
    """The administrator of a workspace of its own, with a channel to receive messages on."""

    username = ""
    channel_id = ""
    user_id = ""
    chat_id = ""

    async def member(self, *permissions: str) -> Caller:
        """A colleague with just these permissions."""
        name = f"member-{secrets.token_hex(6)}"
        role = await self.ask(ROLE, name=name, permissions=permissions)
        person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        await self.ask(USER, **person, roleIds=[role["role"]["id"]])
        signed_in = await Caller(self.web).ask(LOGIN, username=name, password=PASSWORD)
        return Caller(self.web, signed_in["accessToken"])

    async def sign_in_again(self) -> None:
        """A new token: one is good for ten minutes."""
        signed_in = await Caller(self.web).ask(LOGIN, username=self.username, password=PASSWORD)
        self.token = signed_in["accessToken"]

    async def receive(self, customer: str, content: str = "Hello?") -> Any:
        """A message from a customer."""
        given = {
            "channelId": self.channel_id,
            "platformCustomerId": customer,
            "platformMessageId": secrets.token_hex(8),
            "content": content,
        }
        return (await self.ask(RECEIVE, input=given))["message"]

    async def chat(self) -> str:
        """A chat with a new customer, who has said hello: that is sequence 1."""
        message = await self.receive(secrets.token_hex(8))
        assert message["sequence"] == 1
        return str(message["chat"]["id"])

    async def send(self, chat_id: str, content: str) -> int:
        """Writes to a chat; the sequence of the message."""
        sent = await self.ask(SEND, conversationId=chat_id, content=content)
        return int(sent["message"]["sequence"])


async def register(web: httpx.AsyncClient) -> Owner:
    """A new workspace."""
    name = f"owner-{secrets.token_hex(6)}"
    signed_in = await Caller(web).ask(REGISTER, username=name, email=f"{name}@example.com", password=PASSWORD)
    owner = Owner(web, signed_in["accessToken"])
    owner.username = name
    owner.user_id = signed_in["user"]["id"]
    owner.channel_id = (await owner.ask(CONNECT))["channel"]["id"]
    return owner


def code_of(answer: httpx.Response) -> str:
    """The code of an answer that has one error and no data."""
    body = answer.json()
    assert "data" not in body
    (error,) = body["errors"]
    return str(error["extensions"]["code"])
