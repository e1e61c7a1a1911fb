"""What the demo business sells: a small roastery's coffees, teas, equipment and what goes with them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Good:
    """One product: what kind of thing it is decides which questions are asked about it."""

    kind: str
    name: str
    price: Decimal
    sku: str
    description: str
    is_available: bool = True


# Kind, name, price in euro, sku, description; a minus before the kind is sold out.
TABLE = """
coffee | Harbour Espresso 250 g | 9.50 | COF-HAR-250 | Our house espresso: dark chocolate, roasted hazelnut, low acidity.
coffee | Harbour Espresso 1 kg | 34.00 | COF-HAR-1K | The house espresso for those who go through a lot of it.
coffee | Lighthouse Filter 250 g | 11.00 | COF-LIG-250 | A bright filter roast with red apple and honey.
coffee | Lighthouse Filter 1 kg | 39.50 | COF-LIG-1K | Our filter roast in the large bag.
coffee | Ethiopia Sidama Washed 250 g | 13.50 | COF-SID-250 | Jasmine, lemon and bergamot; light roast.
coffee | Kenya Nyeri AA 250 g | 15.00 | COF-NYE-250 | Blackcurrant and grapefruit, juicy to the end.
coffee | Colombia Huila 250 g | 12.00 | COF-HUI-250 | Caramel, plum and a round body; good in everything.
coffee | Guatemala Antigua 250 g | 12.50 | COF-ANT-250 | Milk chocolate, almond and orange peel.
coffee | Sumatra Lintong 250 g | 12.00 | COF-SUM-250 | Heavy, spicy, cedar and cocoa.
coffee | Night Watch Decaf 250 g | 11.50 | COF-DEC-250 | Decaffeinated with mountain water: cocoa and dried fig.
coffee | Tasting Box, 4 × 100 g | 22.00 | COF-TAS-400 | Four single origins to find out what you like.
-coffee | Winter Roast 250 g | 12.00 | COF-WIN-250 | Only in the cold months: orange, clove, dark sugar.
tea | Azores Green 100 g | 8.50 | TEA-AZO-100 | Grown on the islands, grassy and gentle.
tea | Darjeeling First Flush 100 g | 16.00 | TEA-DAR-100 | Spring leaves, muscatel and fresh almond.
tea | Earl Grey with Bergamot Peel 100 g | 9.00 | TEA-EAR-100 | Black tea with real peel, no flavouring.
tea | Smoked Pine Black 100 g | 10.50 | TEA-SMO-100 | Dried over pine wood: campfire in a cup.
tea | Jasmine Pearls 80 g | 14.50 | TEA-JAS-080 | Hand-rolled green tea, scented with fresh flowers.
tea | Roasted Oolong 80 g | 13.00 | TEA-OOL-080 | Toasted grain, stone fruit, many infusions.
tea | Gyokuro Shade-Grown 50 g | 24.00 | TEA-GYO-050 | Brothy and sweet; brew it cool.
tea | Masala Chai 200 g | 9.50 | TEA-CHA-200 | Black tea with cardamom, ginger, clove and pepper.
tea | Lemon Verbena 40 g | 6.50 | TEA-VER-040 | Whole leaves from our neighbour's garden; no caffeine.
tea | Mint and Fennel 60 g | 6.00 | TEA-MIN-060 | For after dinner; no caffeine.
tea | Rooibos with Orange 100 g | 7.00 | TEA-ROO-100 | Red bush with peel and vanilla; no caffeine.
-tea | White Peony 50 g | 15.50 | TEA-PEO-050 | Buds and first leaves, melon and hay.
equipment | Hand Grinder, steel burrs | 89.00 | EQP-GRI-HAN | Thirty clicks from espresso to French press.
equipment | Electric Grinder Bela | 229.00 | EQP-GRI-BEL | Flat burrs, quiet, doses by time.
equipment | Gooseneck Kettle 1 l | 64.00 | EQP-KET-100 | Holds its temperature for half an hour.
equipment | Pour-over Dripper, porcelain | 24.00 | EQP-DRI-POR | For one or two cups, made in Alcobaça.
equipment | Stovetop Moka Pot, 3 cups | 32.00 | EQP-MOK-003 | Steel, works on induction.
equipment | French Press 0.8 l | 38.00 | EQP-PRE-080 | Double wall, double filter.
equipment | Cold Brew Bottle 1 l | 27.00 | EQP-COL-100 | Fill in the evening, pour in the morning.
equipment | Coffee Scale with Timer | 45.00 | EQP-SCA-001 | To a tenth of a gram.
equipment | Milk Jug 350 ml | 19.00 | EQP-JUG-350 | A sharp spout for those who practise.
equipment | Cast Iron Teapot 0.6 l | 54.00 | EQP-TEA-060 | Enamelled inside, with a steel strainer.
equipment | Matcha Whisk, bamboo | 16.50 | EQP-WHI-100 | A hundred fine tines.
extras | Paper Filters, 100 pieces | 5.50 | EXT-FIL-100 | Unbleached, for the dripper.
extras | Storage Tin 250 g | 12.00 | EXT-TIN-250 | Airtight, with a valve.
extras | Stoneware Cup, seagull blue | 18.00 | EXT-CUP-BLU | Thrown by hand; no two are the same.
extras | Descaling Powder, 5 sachets | 8.00 | EXT-DES-005 | Citric acid and nothing else.
extras | Gift Card | 25.00 | EXT-GIF-025 | For somebody who would rather choose.
"""


def _read(line: str) -> Good:
    kind, name, price, sku, description = (part.strip() for part in line.split("|"))
    return Good(kind.lstrip("-"), name, Decimal(price), sku, description, not kind.startswith("-"))


GOODS: Final = tuple(_read(line) for line in TABLE.strip().splitlines())
