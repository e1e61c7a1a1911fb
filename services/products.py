"""What may happen to products: added, changed, deleted."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from db.products import Product
from services.columns import check_filled
from services.errors import Invalid
from services.money import Money, check_money
from services.work import Work


async def create_product(work: Work, name: str, price: Money, **values: Any) -> Row[Any]:
    """A new product, owned by the viewer, or by the member that a client was made by."""
    columns = _columns({"name": name, "price": price, **values})
    return await work.insert(Product, owner_id=work.viewer.member_id, **columns)


async def update_product(
    work: Work, id: UUID, *, expected_version: int | None = None, **values: Any
) -> Row[Any]:
    """Changes what is given; orders keep the name and the price they were placed at."""
    return await work.update(Product, id, _columns(values), expected_version=expected_version)


async def delete_product(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Gone for who looks; the orders it is in keep it. Its sku and shortId are free again."""
    blanks = {"sku": None, "short_id": None, "is_available": False}
    return await work.erase(Product, id, blanks, expected_version=expected_version)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = dict(values)
    if "price" in columns:
        if columns["price"] is None:
            raise Invalid("It cannot be null.", "price")
        columns["price"], columns["currency"] = check_money(columns["price"], "price")
    check_filled(columns, "name", "sku", "short_id")
    return columns
