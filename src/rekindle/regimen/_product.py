"""Products: how a drug is packed and given, with the rules that a dose of each must obey.

The facts are rows of ``products.csv``; nothing about a single product is written in code. A product is found
by its name, by the word of the regimen language, by its route (then the first of that route in the file is
meant) or by the formulation words of the evidence tables.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from rekindle.errors import RegimenError, nearest

#: What can be given: ``ketamine`` is the racemate, ``midazolam`` an active control, ``saline`` has sessions
#: but no drug, ``none`` has neither.
DRUGS = ("ketamine", "esketamine", "arketamine", "midazolam", "saline", "none")
#: No regimen holds more doses than this; every device of a session counts as one dose.
MAXIMUM_DOSES = 100_000
#: Relative tolerance for amounts that were converted from another unit.
_DEVICE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Product:
    """One product and its dosing rules.

    Attributes:
        name: key in ``products()``, for example ``"iv_infusion"``.
        route: ``iv``, ``nasal``, ``oral``, ``sl``, ``im``, ``sc``, ``rectal`` (``none`` for no treatment).
        word: the word of the regimen language that ``Regimen.to_text`` writes.
        label: how the product is written in sentences.
        drugs: drugs that the product can hold.
        device_mg: content of one device in mg, or None when any amount can be given.
        device_interval_h: time in h between two devices of a session; 0 without devices.
        needs_duration: True: a dose lasts a stated time; False: a stated time is refused.
        minimum_duration_h: shorter durations are widened to this many hours (with a warning).
        per_kg: whether a dose may be written in mg/kg.
        aliases: other words for the product.
        description, mark, source: what it is, and where its facts come from.
    """

    name: str
    route: str
    word: str
    label: str
    drugs: tuple[str, ...]
    device_mg: float | None
    device_interval_h: float
    needs_duration: bool
    minimum_duration_h: float
    per_kg: bool
    aliases: tuple[str, ...]
    description: str
    mark: str
    source: str

    @property
    def words(self) -> frozenset[str]:
        """Every word that can mean this product, its route included."""
        return frozenset((self.name, self.word, self.route, *self.aliases))

    def device_count(self, dose_mg: float) -> int:
        """Number of devices that make up a dose in mg; 1 for a product without devices.

        >>> find_product("nasal").device_count(84.0)
        3

        Raises:
            RegimenError: the dose is not a positive multiple of the device content.
        """
        if self.device_mg is None:
            return 1
        ratio = dose_mg / self.device_mg if dose_mg > 0 else 0.0
        if ratio > MAXIMUM_DOSES:
            raise too_many(ratio)
        count = max(1, round(ratio))
        if abs(dose_mg - count * self.device_mg) <= _DEVICE_TOLERANCE * self.device_mg * count:
            return count
        choices = [n * self.device_mg for n in (int(ratio), int(ratio) + 1) if n >= 1]
        raise RegimenError(
            "RK-REG-010",
            given=f"{dose_mg:g} mg cannot be given with {self.name}: a device holds {self.device_mg:g} mg",
            allowed="Nearest allowed: " + " or ".join(f"{choice:g} mg" for choice in choices),
            why="A device is emptied as a whole",
            remedy="Give a multiple of the device content, or name another product",
        )

    def device_times(self, dose_mg: float) -> tuple[float, ...]:
        """Times in h after the start of the session at which the devices of one dose are used.

        A product without devices gives the whole dose at once.

        >>> [round(60 * time) for time in find_product("nasal").device_times(84.0)]
        [0, 5, 10]
        >>> find_product("oral").device_times(50.0)
        (0.0,)

        Raises:
            RegimenError: the dose is not a positive multiple of the device content.
        """
        return tuple(index * self.device_interval_h for index in range(self.device_count(dose_mg)))


@lru_cache(maxsize=1)
def _every_product() -> Mapping[str, Product]:
    with (files("rekindle.regimen") / "products.csv").open(encoding="utf-8") as lines:
        return MappingProxyType({row["name"]: _product(row) for row in csv.DictReader(lines)})


def _product(row: Mapping[str, str]) -> Product:
    return Product(
        name=row["name"],
        route=row["route"],
        word=row["word"],
        label=row["label"],
        drugs=tuple(row["drugs"].split("|")),
        device_mg=float(row["device_mg"]) if row["device_mg"] else None,
        device_interval_h=float(row["device_interval_min"] or 0) / 60.0,
        needs_duration={"required": True, "refused": False}[row["duration"]],
        minimum_duration_h=float(row["minimum_duration_min"] or 0) / 60.0,
        per_kg={"yes": True, "no": False}[row["per_kg"]],
        aliases=tuple(word for word in row["aliases"].split("|") if word),
        description=row["description"],
        mark=row["mark"],
        source=row["source"],
    )


def products() -> dict[str, Product]:
    """Every product that can be given, by name (``no_product`` of an untreated arm is not among them).

    >>> products()["nasal_28mg_device"].device_mg
    28.0
    """
    return {name: product for name, product in _every_product().items() if product.route != "none"}


@lru_cache(maxsize=1)
def _index() -> Mapping[str, tuple[Product, ...]]:
    index: dict[str, tuple[Product, ...]] = {}
    for product in _every_product().values():
        for word in product.words:
            index[word] = (*index.get(word, ()), product)
    return MappingProxyType(index)


def products_meant(word: str) -> tuple[Product, ...]:
    """Products that a normalised word can mean, in the order of the file; empty if none."""
    return _index().get(word, ())


def normalised(name: str) -> str:
    """Lower case, with blanks and hyphens written as one underscore.

    >>> normalised("Nasal  spray")
    'nasal_spray'
    """
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())


def find_product(name: str, *, route: str | None = None) -> Product:
    """Product that a name, route or formulation word means.

    Args:
        name: any of the product's words, in any case, with blanks, hyphens or underscores.
        route: narrows a word that several products share, such as ``solution_for_injection``.

    Raises:
        RegimenError: the word is unknown, contradicts the route, or asks for a nasal product whose absorption
            is not known.

    >>> find_product("nasal_spray_28mg_device").name
    'nasal_28mg_device'
    >>> find_product("solution_for_injection", route="sc").name
    'sc_injection'
    """
    word = normalised(name)
    meant = products_meant(word)
    if not meant:
        if "nasal" in word:
            raise unknown_nasal(f'"{name}" is not a nasal product with known absorption')
        known = sorted(set().union(*(product.words for product in products().values())))
        raise RegimenError(
            "RK-REG-004",
            given=f'unknown product or route "{name}"{nearest(word, known)}',
            allowed="Products: " + ", ".join(products()),
            why="Absorption belongs to the product, so an unknown one cannot be simulated",
            remedy="Choose the product whose profile fits",
        )
    narrowed = [product for product in meant if route is None or normalised(route) in product.words]
    if not narrowed:
        raise RegimenError(
            "RK-REG-005",
            given=f'product "{name}" is not given by the route "{route}"',
            allowed=f'"{name}" can mean ' + " or ".join(f"{p.name} (route {p.route})" for p in meant),
            remedy="Correct the product or the route",
        )
    return narrowed[0]


def unknown_nasal(given: str) -> RegimenError:
    """Return the refusal of a nasal product other than the known device, with what would be needed."""
    return RegimenError(
        "RK-REG-006",
        given=given,
        allowed="Only the 28 mg esketamine device (nasal_28mg_device) has a known nasal absorption",
        why="Nasal absorption depends strongly on the device, the concentration and the volume",
        remedy="For another product give its nasal fraction, its nasal absorption rate constant (1/h) and, "
        "if wanted, its swallowed fraction as parameters of the model, and its doses as event records",
    )


def too_many(count: float) -> RegimenError:
    """Return the refusal of a regimen with too many doses."""
    return RegimenError(
        "RK-REG-019",
        given=f"{count:g} doses or more",
        allowed=f"A regimen has at most {MAXIMUM_DOSES} doses; each device counts",
        remedy='Check the dose and the number after "x"',
    )
