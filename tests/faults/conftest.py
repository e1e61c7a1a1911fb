"""What the tests of faults share with those over the wire: databases of their own."""

from tests.wire.conftest import own_database as own_database
