"""What one running server shares between all requests."""

from dataclasses import dataclass, field

from db.engine import Database
from services.brokers.local import LocalBroker
from services.brokers.wires import Wire
from services.hub import Hub
from services.limits import Limits
from services.passwords import Passwords
from services.presences import Presences
from services.secrets import Vault
from services.sharing import Shared
from services.sweeps import Sweep
from services.tokens import Tokens


@dataclass(frozen=True)
class Server:
    """The database, who follows it live, the keys, and the limits that settings gave."""

    database: Database
    tokens: Tokens
    vault: Vault
    wire: Wire = field(default_factory=lambda: Wire(LocalBroker()))
    """To the other workers."""
    hub: Hub = field(default_factory=Hub)
    sweep: Sweep = field(init=False)
    presences: Presences = field(init=False)
    shared: Shared = field(default_factory=Shared)
    """What followers read at one moment."""
    answers: Shared = field(default_factory=Shared)
    """What they are told of one event."""
    passwords: Passwords = field(default_factory=Passwords)
    limits: Limits = field(default_factory=Limits)
    page_size_max: int = 100
    allow_registration: bool = True
    guards_schema: bool = False
    """Whether the schema is told to nobody but those signed in, and no error suggests names."""
    counts_attempts: bool = False
    """Whether attempts to sign in are limited."""
    takes_older_signatures: bool = False
    """Whether service clients may sign plain GETs without a nonce."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sweep", Sweep(self.database, self.hub))
        object.__setattr__(self, "presences", Presences(self.wire))
