"""Reads the data: dialogues of customers with assistants, and the shop of the Northwind sample."""

import csv
import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Final

CURRENCY: Final = "USD"
SKU_PREFIX: Final = "northwind-"
HUNDREDTH: Final = Decimal("0.01")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said in a dialogue; the text may be empty."""

    is_customer: bool
    text: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One customer's talk with the business."""

    id: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    """Who orders."""

    id: str
    full_name: str
    phone: str | None
    metadata: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Product:
    """What is ordered."""

    id: str
    name: str
    description: str
    price: Decimal

    @property
    def sku(self) -> str:
        return sku_of(self.id)


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one product, at what each of them cost that day."""

    product_id: str
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """What one customer ordered on one day."""

    id: str
    customer_id: str
    placed_at: datetime
    address: dict[str, str | None]
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """Quantity × price over all lines, exactly."""
        return sum((line.quantity * line.price for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Shop:
    """The whole shop, each thing in the order of its file."""

    customers: tuple[Customer, ...]
    products: tuple[Product, ...]
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """What is replayed: the shop, and dialogues, of which some may be left out."""

    shop: Shop
    dialogues: tuple[Dialogue, ...]
    left_out: frozenset[str] = frozenset()

    @property
    def message_count(self) -> int:
        return sum(len(dialogue.turns) for dialogue in self.dialogues)


def sku_of(product_id: str) -> str:
    """A product's sku, by its id in the data."""
    return f"{SKU_PREFIX}{product_id}"


def round_half_up(text: str) -> Decimal:
    """Two decimals of a number that was printed in full from single precision: 9.80000019 is 9.80."""
    return Decimal(text).quantize(HUNDREDTH, ROUND_HALF_UP)


def line_price(unit_price: str, discount: str) -> Decimal:
    """What one piece cost after the discount of its line. Rounded on the way in, and once more at the end."""
    discounted = round_half_up(unit_price) * (1 - round_half_up(discount))
    return discounted.quantize(HUNDREDTH, ROUND_HALF_UP)


def read_data(folder: Path, dialogues_max: int | None = None) -> Data:
    """Everything in the folder; of the dialogues only the first so many, where a number is given."""
    dialogues = read_dialogues(folder)
    kept = dialogues[:dialogues_max]
    return Data(read_shop(folder), tuple(kept), frozenset(d.id for d in dialogues[len(kept) :]))


def read_dialogues(folder: Path) -> list[Dialogue]:
    """Every dialogue of the folder's conversations.jsonl.gz."""
    with gzip.open(folder / "conversations.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [_dialogue(json.loads(line)) for line in lines]


def read_shop(folder: Path) -> Shop:
    """The shop in the folder's northwind/*.csv."""
    tables = {
        name: _read_rows(folder / "northwind" / f"{name}.csv")
        for name in ("customers", "products", "orders", "order_details")
    }
    lines: dict[str, list[Line]] = {}
    for row in tables["order_details"]:
        price = line_price(row["unit_price"], row["discount"])
        line = Line(row["product_id"], int(row["quantity"]), price)
        lines.setdefault(row["order_id"], []).append(line)
    return Shop(
        tuple(_customer(row) for row in tables["customers"]),
        tuple(_product(row) for row in tables["products"]),
        tuple(_order(row, lines.get(row["order_id"], [])) for row in tables["orders"]),
    )


def _read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        # The export wrote a line break inside a value as a backslash and an n.
        return [{k: v.replace("\\n", "\n") for k, v in row.items()} for row in csv.DictReader(file)]


def _dialogue(read: dict[str, object]) -> Dialogue:
    turns = read["turns"]
    assert isinstance(turns, list)
    return Dialogue(str(read["id"]), tuple(Turn(speaker == "USER", text) for speaker, text in turns))


def _customer(row: Row) -> Customer:
    metadata = {
        "company": row["company_name"],
        "title": row["contact_title"],
        "address": row["address"],
        "city": row["city"],
        "region": row["region"] or None,
        "postalCode": row["postal_code"] or None,
        "country": row["country"],
        "fax": row["fax"] or None,
    }
    return Customer(row["customer_id"], row["contact_name"], row["phone"] or None, metadata)


def _product(row: Row) -> Product:
    price = round_half_up(row["unit_price"])
    return Product(row["product_id"], row["product_name"], row["quantity_per_unit"], price)


def _order(row: Row, lines: list[Line]) -> Order:
    line1, _, line2 = row["ship_address"].partition("\n")
    address = {
        "company": row["ship_name"],
        "line1": line1,
        "line2": line2 or None,
        "city": row["ship_city"],
        "region": row["ship_region"] or None,
        "postalCode": row["ship_postal_code"] or None,
        "countryCode": row["ship_country"],
    }
    placed_at = datetime.fromisoformat(row["order_date"]).replace(tzinfo=UTC)
    return Order(row["order_id"], row["customer_id"], placed_at, address, tuple(lines))
