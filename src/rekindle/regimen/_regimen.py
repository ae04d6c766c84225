"""The regimen: what is given and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rekindle.errors import RegimenError
from rekindle.regimen._dose import Session
from rekindle.regimen._product import Product, find_product
from rekindle.regimen._rules import check_dose, check_drug, check_order, check_visit, visit_length, widened


@dataclass(frozen=True, slots=True)
class Regimen:
    """Doses of one drug, given with one product, in sessions that follow one another.

    Every way to make a regimen applies the same checks, so that a regimen that exists can be given. Two
    regimens are equal when they give the same; the text that they were read from does not count.

    Attributes:
        text: the text it was read from, or its canonical text.
        drug: one of ``DRUGS``.
        product: how the drug is given.
        sessions: the visits in order of time; empty only for ``none``.
        warnings: sentences about what was changed while reading, for example a widened infusion.
        compound: compound that is given in the place of the drug, as it is shown; empty for the drug itself.

    Raises:
        RegimenError: a dose that the product cannot give, or sessions that overlap.
    """

    text: str = field(compare=False)
    drug: str
    product: Product
    sessions: tuple[Session, ...]
    warnings: tuple[str, ...] = field(default=(), compare=False)
    compound: str = ""

    def __post_init__(self) -> None:
        check_drug(self.product, self.drug)
        _check_presence(self.drug, len(self.sessions))
        checked = None
        for session in self.sessions:
            if session.doses is checked:
                continue
            for dose in session.doses:
                check_dose(self.product, self.drug, dose)
            check_visit(self.product, session.doses)
            checked = session.doses
        check_order(self.product, self.sessions)

    @classmethod
    def of(
        cls,
        *,
        drug: str,
        product: str | Product | None = None,
        sessions: Iterable[Session] = (),
        text: str = "",
        warnings: Iterable[str] = (),
    ) -> Regimen:
        """Make a regimen from sessions; infusions that are too short are widened with a warning.

        Args:
            drug: one of ``DRUGS``.
            product: a product or any word for one; only ``none`` does without.
            sessions: visits in order of time.
            text: what to keep as ``text``; the canonical text if empty.
            warnings: sentences to keep in front of the new ones.

        Raises:
            RegimenError: see the class.

        >>> from rekindle.regimen import Dose
        >>> visits = [Session(24.0 * day, (Dose(84, "mg"),)) for day in (0, 3, 7, 10)]
        >>> Regimen.of(drug="esketamine", product="nasal", sessions=visits).to_text()
        'esketamine nasal 84 mg, twice weekly x 4'
        """
        given = _given_product(drug, product)
        found: dict[str, None] = dict.fromkeys(warnings)
        kept: list[Session] = []
        for session in sessions:
            if kept and session.doses == kept[-1].doses:
                # Sharing one tuple lets the checks of long courses run once.
                kept.append(replace(session, doses=kept[-1].doses))
                continue
            doses, new = widened(given, session.doses)
            found |= dict.fromkeys(new)
            kept.append(replace(session, doses=doses))
        regimen = cls(text, drug, given, tuple(kept), tuple(found))
        return regimen if text else replace(regimen, text=regimen.to_text())

    @property
    def given(self) -> str:
        """What is given, as it is shown: the compound, else the drug.

        >>> from rekindle.regimen import parse_regimen
        >>> parse_regimen("84 mg nasal").given
        'esketamine'
        """
        return self.compound or self.drug

    @property
    def duration_h(self) -> float:
        """Hours from time 0 to the end of the last infusion or the last device; 0 without sessions.

        >>> from rekindle.regimen import parse_regimen
        >>> parse_regimen("ketamine 0.5 mg/kg over 30 min, weekly x 2").duration_h
        168.5
        """
        if not self.sessions:
            return 0.0
        return self.sessions[-1].time_h + visit_length(self.product, self.sessions[-1].doses)

    def to_text(self) -> str:
        """Canonical text of the regimen language; reading it gives an equal regimen.

        >>> from rekindle.regimen import parse_regimen
        >>> parse_regimen("84mg on days 1,4, 8,11 then weekly x 2 starting day 15", product="nasal").to_text()
        'esketamine nasal 84 mg, twice weekly x 4, then weekly x 2'
        """
        from rekindle.regimen._writing import write_text

        return write_text(self.given, self.product, self.sessions)

    def describe(self) -> str:
        """One plain-English line.

        >>> from rekindle.regimen import parse_regimen
        >>> text = "ketamine 0.5 mg/kg over 40 min, twice weekly x 4 weeks, then weekly x 4"
        >>> parse_regimen(text).describe()
        'ketamine 0.5 mg/kg IV over 40 min; 12 sessions over 50 days: twice weekly for 4 weeks, then weekly'
        """
        from rekindle.regimen._writing import write_sentence

        return write_sentence(self.given, self.product, self.sessions)

    def __str__(self) -> str:
        return self.describe()


def _given_product(drug: str, product: str | Product | None) -> Product:
    if isinstance(product, Product):
        return product
    if product is None and drug != "none":
        raise RegimenError(
            "RK-REG-008",
            given=f"no product is named for {drug}",
            allowed='Name it, for example product="iv_infusion"',
            why="The same amount acts differently by every route",
        )
    return find_product(product or "none")


def _check_presence(drug: str, count: int) -> None:
    if (drug == "none") != (count == 0):
        raise RegimenError(
            "RK-REG-023",
            given=f"{count} sessions of {drug}",
            allowed='"none" has no sessions, and every other drug has one or more',
        )
