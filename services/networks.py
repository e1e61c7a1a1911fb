"""Whose an address is, for what is counted by addresses."""

import ipaddress
from functools import lru_cache
from typing import Final

NETWORK_BITS: Final = 64
"""An IPv6 address stands for its network: whoever has one has all of them."""
ADDRESSES_MAX: Final = 10_000
"""How many addresses are remembered as they were read."""


@lru_cache(maxsize=ADDRESSES_MAX)
def network_of(address: str) -> str:
    """What all addresses have in common that one client may have: an IPv4 address stands for itself."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    return str(ipaddress.ip_network((int(known), NETWORK_BITS), strict=False))
