"""What the tests with generated operations have in common."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What graphql-core leaves unstarted is collected, and says so, while the test that left it still hears it."""
    yield
    gc.collect()
