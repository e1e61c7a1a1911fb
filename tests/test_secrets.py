"""What is kept but never shown: sealed texts open only in their place, passwords are never readable."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from db.base import new_id
from services.passwords import LENGTH_MAX, Passwords
from services.secrets import Unsealable, Vault

SECRET = "one secret of at least 32 characters"
OTHER = "another secret of 32 characters or more"
ROW = new_id()


def sealed_by(vault: Vault, text: str = "token") -> str:
    return vault.seal(text, "channels", "access_token", ROW)


def opened_by(vault: Vault, sealed: str) -> str:
    return vault.open(sealed, "channels", "access_token", ROW)


@pytest.mark.parametrize("text", ["", "token", "é🔑\x00", "x" * 100_000])
def test_what_is_sealed_opens_again(text: str) -> None:
    vault = Vault({"a": SECRET})
    sealed = sealed_by(vault, text)
    assert sealed.startswith("v1:a:")
    assert text == "" or text not in sealed
    assert opened_by(vault, sealed) == text


def test_the_same_text_is_never_sealed_the_same_twice() -> None:
    vault = Vault({"a": SECRET})
    assert len({sealed_by(vault) for _ in range(50)}) == 50


def test_a_sealed_text_opens_only_in_its_place() -> None:
    vault = Vault({"a": SECRET})
    sealed = sealed_by(vault)
    for place in (
        ("customers", "access_token", ROW),
        ("channels", "refresh_token", ROW),
        ("channels", "access_token", new_id()),
    ):
        with pytest.raises(Unsealable):
            vault.open(sealed, *place)
    assert opened_by(vault, sealed) == "token"


def test_the_first_key_seals_and_all_of_them_open() -> None:
    old, rotated = Vault({"a": SECRET}), Vault({"b": OTHER, "a": SECRET})
    assert opened_by(rotated, sealed_by(old)) == "token"
    assert sealed_by(rotated).startswith("v1:b:")
    with pytest.raises(Unsealable):
        opened_by(old, sealed_by(rotated))


def test_another_secret_under_the_same_id_opens_nothing() -> None:
    with pytest.raises(Unsealable):
        opened_by(Vault({"a": OTHER}), sealed_by(Vault({"a": SECRET})))


@pytest.mark.parametrize("place", range(0, 33, 4))
def test_a_text_of_which_one_bit_is_changed_opens_nothing(place: int) -> None:
    vault = Vault({"a": SECRET})
    version, key, data = sealed_by(vault).split(":")
    raw = bytearray(urlsafe_b64decode(data))
    raw[place] ^= 1
    with pytest.raises(Unsealable):
        opened_by(vault, f"{version}:{key}:{urlsafe_b64encode(bytes(raw)).decode()}")


@pytest.mark.parametrize(
    "text", ["", "token", "v1:a", "v1:a:", "v1:a:AAAA", "v2:a:AAAA", "v1:z:AAAA", "v1:a:é", "a:b:c:d"]
)
def test_what_was_never_sealed_opens_nothing(text: str) -> None:
    with pytest.raises(Unsealable):
        opened_by(Vault({"a": SECRET}), text)


def test_a_failure_to_open_tells_neither_text_nor_key() -> None:
    sealed = sealed_by(Vault({"a": SECRET}))
    with pytest.raises(Unsealable) as refusal:
        opened_by(Vault({"a": OTHER}), sealed)
    assert sealed not in str(refusal.value)
    assert OTHER not in str(refusal.value)


async def test_a_password_is_hashed_with_argon2id_and_a_salt_of_its_own() -> None:
    passwords = Passwords()
    one, two = await asyncio.gather(passwords.hash("a password"), passwords.hash("a password"))
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one != two
    assert await passwords.check("a password", one) == (True, None)
    assert await passwords.check("a passwort", one) == (False, None)


async def test_a_weaker_hash_is_renewed_when_the_password_is_right() -> None:
    weak = await Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)).hash("a password")
    passwords = Passwords()
    right, renewed = await passwords.check("a password", weak)
    assert right
    assert renewed is not None
    assert await passwords.check("a password", renewed) == (True, None)
    assert await passwords.check("a passwort", weak) == (False, None)


@pytest.mark.parametrize("hashed", [None, "", "?", "$2b$04$short", "$argon2id$v=19$broken"])
async def test_without_a_usable_hash_no_password_is_right(hashed: str | None) -> None:
    passwords = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
    assert await passwords.check("nobody's password", hashed) == (False, None)
    assert await passwords.check("x" * LENGTH_MAX, hashed) == (False, None)
    real = await passwords.hash("nobody's password")
    assert await passwords.check("nobody's password", real) == (True, None)


async def test_a_password_of_nobody_is_looked_at_as_somebodys_is() -> None:
    looked: list[bool] = []

    class Watched(Argon2Hasher):
        def verify(self, password: str | bytes, hash: str | bytes) -> bool:
            looked.append(super().verify(password, hash))
            return looked[-1]

    passwords = Passwords(Watched(time_cost=1, memory_cost=8, parallelism=1))
    kept = await passwords.hash("a password")
    assert await passwords.check("a passwort", kept) == (False, None)
    assert await passwords.check("a passwort", None) == (False, None)
    assert looked == [False, False]
    assert await passwords.check("a password", kept) == (True, None)


async def test_giving_up_on_a_hash_leaves_the_others_their_turn() -> None:
    passwords = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
    waiting = [asyncio.ensure_future(passwords.hash(f"password {i}")) for i in range(20)]
    for task in waiting[::2]:
        task.cancel()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(e, asyncio.CancelledError) for e in ended[::2])
    assert all(isinstance(e, str) for e in ended[1::2])
    assert await passwords.check("password 1", str(ended[1])) == (True, None)
