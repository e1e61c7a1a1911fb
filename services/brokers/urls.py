"""Which broker a URL names."""

from typing import Final

from sqlalchemy import make_url

from services.brokers.local import LocalBroker
from services.brokers.postgres import PostgresBroker
from services.brokers.wires import Broker

SCHEMES: Final = ("redis", "rediss", "nats", "tls", "postgresql")


def make_broker(broker_url: str | None, database_url: str) -> Broker:
    """The broker of a server: the one that is named, else the database where it is PostgreSQL, else none.

    Nothing is connected yet. ValueError for a URL that names none of them.
    """
    # Redis and NATS bring libraries that take long to import: only who names one of them waits for it.
    url = broker_url or database_url
    scheme = url.partition(":")[0]
    if scheme in ("redis", "rediss"):
        from services.brokers.redis import RedisBroker

        return RedisBroker(url)
    if scheme in ("nats", "tls"):
        from services.brokers.nats import NatsBroker

        return NatsBroker(url)
    if scheme == "postgresql":
        # As the driver takes it: a folder of a Unix socket is a host among the parameters for both.
        return PostgresBroker(make_url(url).render_as_string(hide_password=False))
    if broker_url is not None:
        raise ValueError(f"should begin with one of {', '.join(SCHEMES)}")
    return LocalBroker()
