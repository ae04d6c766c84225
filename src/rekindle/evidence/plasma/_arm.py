"""One arm as a row describes it: who, what was given, where blood was taken."""

from __future__ import annotations

from dataclasses import dataclass

from rekindle.errors import nearest
from rekindle.evidence._data import assumption, co_medication_records
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.plasma._dosing import read_product, read_regimen
from rekindle.evidence.plasma._notes import PriorDose, prior_dose
from rekindle.people import Person
from rekindle.regimen import Dose, Product, Regimen, Session, find_product
from rekindle.therapy import combined_interactions, coverage, interaction, interaction_names

SITES = ("venous", "arterial")


@dataclass(frozen=True)
class Situation:
    """Everything that the concentrations of an arm depend on; rows with equal situations share a simulation.

    ``prior`` is given ``prior_h`` hours before ``regimen``, to the same person.
    """

    study_id: str
    arm_id: str
    drug: str
    product: Product
    weight_kg: float
    age_years: float
    agents: tuple[str, ...]
    regimen: Regimen
    prior: Regimen | None = None
    prior_h: float = 0.0

    def person(self) -> Person:
        """The typical subject."""
        return Person("1", self.weight_kg, self.age_years, allow_extrapolation=True)

    def factors(self) -> dict[str, float]:
        """Parameter values set by the interacting drugs."""
        return combined_interactions(interaction(name, self.product.route) for name in self.agents)

    @property
    def dose_mg(self) -> float:
        """Total dose of the arm's own regimen for the typical subject."""
        return total_dose(self.regimen, self.weight_kg)

    @property
    def last_device_h(self) -> float:
        """Hours from the first to the last device."""
        return self.product.device_times(self.dose_mg)[-1]


def total_dose(regimen: Regimen, weight_kg: float) -> float:
    """Dose in mg that a person of this weight receives in the first session."""
    doses = regimen.sessions[0].doses
    return sum(dose.amount * (weight_kg if dose.unit == "mg/kg" else 1.0) for dose in doses)


@dataclass(frozen=True)
class Arm:
    """Situation, size and sampling site of a row, with remarks about what had to be assumed.

    Without ``dose_known`` or ``duration_known`` the regimen holds a stand-in.
    """

    situation: Situation
    subjects: int
    site: str
    dose_known: bool = True
    duration_known: bool = True
    remarks: tuple[str, ...] = ()


def read_arm(row: Row) -> Arm:
    """Read the arm of one row.

    Raises:
        EvidenceError, RegimenError, PersonError: why this arm cannot be simulated.
    """
    remarks: list[str] = []
    weight = row.positive("weight_kg")
    age = row.positive("age_years")
    subjects = row.positive("n", whole=True)
    site = row.word("sampling_site") or SITES[0]
    if site not in SITES:
        raise not_simulated(
            f'line {row.number}: sampling_site is "{site}"{nearest(site, SITES)}', allowed=", ".join(SITES)
        )
    for name, value, unit in (("weight", weight, " kg"), ("age", age, " years"), ("subjects", subjects, "")):
        if value is None:
            remarks.append(f"{name} assumed {assumption(name):g}{unit}")
    if not row.text("sampling_site"):
        remarks.append(f"site assumed {site}")
    product = read_product(row)
    given = read_regimen(row, product)
    prior, before = _prior_regimen(row)
    agents, warned = _agents(row)
    situation = Situation(
        row.text("study_id"),
        row.text("arm_id"),
        row.word("drug"),
        product,
        weight or assumption("weight"),
        age or assumption("age"),
        agents,
        given.regimen,
        prior,
        before,
    )
    remarks += [*given.remarks, *warned, *_extrapolations(situation, given.dose_known)]
    if prior is not None:
        earlier = f"{total_dose(prior, situation.weight_kg):g} mg {prior.product.label}"
        remarks.append(f"also given, as the notes say: {earlier}, {before:g} h earlier")
    size = int(subjects or assumption("subjects"))
    return Arm(situation, size, site, given.dose_known, given.duration_known, tuple(remarks))


def _prior_regimen(row: Row) -> tuple[Regimen | None, float]:
    found: PriorDose | None = prior_dose(row)
    if found is None:
        return None, 0.0
    product = find_product(found.form)
    drug = product.drugs[0] if len(product.drugs) == 1 else row.word("drug")
    return (
        Regimen.of(drug=drug, product=product, sessions=[Session(0.0, (Dose(found.dose_mg, "mg"),))]),
        found.before_h,
    )


def _agents(row: Row) -> tuple[tuple[str, ...], list[str]]:
    """Records of the interacting drugs of a row; an unknown drug is refused, not taken as harmless."""
    text = row.text("co_medication").lower().replace("+", ";").replace(",", ";")
    names = ["_".join(part.replace("-", " ").split()) for part in text.split(";") if part.strip()]
    records = co_medication_records()
    known = [*records, *interaction_names()]
    agents, remarks = [], []
    for name in names:
        if name not in known:
            raise not_simulated(
                f'line {row.number}: co_medication "{name}" has no interaction record{nearest(name, known)}',
                allowed=f"Known: {', '.join(dict.fromkeys(known))}",
                why="Its effect on ketamine is not known to this model, and none is assumed",
            )
        agent = interaction(records.get(name, name), row.word("route"))
        agents.append(agent.name)
        if agent.confidence == "low":
            remarks.append(f"effect of {name} is that of {agent.name}: {agent.description}, low confidence")
    return tuple(agents), remarks


def _extrapolations(situation: Situation, dose_known: bool) -> list[str]:
    person = situation.person()
    covered = coverage(situation.regimen, person.weight_kg)
    doubtful = [label for label in covered.labels if dose_known or label not in covered.refusals]
    return [f"extrapolation: {text}" for text in (*person.extrapolations, *doubtful)]
