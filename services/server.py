"""What one running server shares between all requests."""

from dataclasses import dataclass, field

from db.engine import Database
from services.events import Hub
from services.passwords import Passwords
from services.secrets import Vault
from services.tokens import Tokens


@dataclass(frozen=True)
class Server:
    """The database, who follows it live, the keys, and the limits that settings gave."""

    database: Database
    tokens: Tokens
    vault: Vault
    hub: Hub = field(default_factory=Hub)
    passwords: Passwords = field(default_factory=Passwords)
    page_size_max: int = 100
    allow_registration: bool = True
