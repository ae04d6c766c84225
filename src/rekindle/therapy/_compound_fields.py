"""Which fields a compound file has, in which unit, and why each is needed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """Unit, allowed range, whether "none" is an answer, and why the model needs the number."""

    unit: str
    why: str
    low: float = 0.0
    high: float = float("inf")
    may_be_none: bool = False
    positive: bool = True


_RELATIVE = "relative to S-ketamine; without it the relative block potency is taken (assumed)"
SPECIES_FIELDS: dict[str, Field] = {
    "molar_mass": Field("g/mol", "doses are masses and receptors see molecules"),
    "k_block": Field("uM", "it sets how much of a dose reaches the receptors", may_be_none=True),
    "rho": Field("1", "it sets how far interneurons are blocked before pyramidal cells"),
    "k_allosteric": Field("uM", "the hypothesis tonic_eef2 acts through this site", may_be_none=True),
    "trapping": Field("1", "it sets dissociation beside the same block", high=1.0),
    "amp_direct": Field("uM", "the hypothesis hnk_direct acts through it", may_be_none=True),
    "kon": Field("1/(mol/L*s)", "it shows whether binding is fast enough for this model"),
    "koff": Field("1/s", "it shows whether binding is fast enough for this model"),
    "dissociation_potency": Field("1", _RELATIVE, positive=False),
    "bp_potency": Field("1", _RELATIVE, positive=False),
    "liking_potency": Field("1", _RELATIVE, positive=False),
    "sedation_weight": Field("1", _RELATIVE, positive=False),
}
#: Fields without which a species cannot be simulated, by role; an inactive metabolite needs less.
REQUIRED = {
    "parent": ("molar_mass", "k_block", "rho", "k_allosteric", "trapping", "amp_direct"),
    "metabolite": ("molar_mass", "k_block"),
    "second_metabolite": ("molar_mass", "k_block", "amp_direct"),
}
#: What an active first metabolite needs in addition.
REQUIRED_IF_ACTIVE = ("rho", "k_allosteric", "trapping")

_DISPOSITION = "without kinetics no dose becomes a concentration"
_BRAIN = "it sets what reaches the brain, and when"
_ENTRY = "a dose by this route needs it"
_METABOLITE = "a metabolite that is named needs its formation and loss"
#: Kinetic parameters: name in the model -> why it is needed. ``clearance`` is turned into CLint.
KINETICS_ALWAYS = {
    "clearance": _DISPOSITION,
    "V1": _DISPOSITION,
    "fu": "only the unbound share acts",
    "kp_K": _BRAIN,
    "ke0": _BRAIN,
}
KINETICS_PAIRS = (("V2", "Q1"), ("V3", "Q2"), ("VN2", "QN"), ("VH2", "QH"))
KINETICS_BY_ROLE = {
    "metabolite": dict.fromkeys(("fm", "VN1", "CLN", "kp_N"), _METABOLITE),
    "second_metabolite": dict.fromkeys(("fH", "VH1", "CLH", "kp_H", "ke0h"), _METABOLITE),
}
KINETICS_BY_ROUTE: dict[str, tuple[str, ...]] = {
    "iv_infusion": (),
    "nasal_28mg_device": ("FRn", "dF", "ka_n", "Dsw", "ka_sw", "Fg_sw"),
    "oral_solution": ("Dpo", "ka_po", "Fg_po"),
    "oral_extended_release": ("ka_po", "Fg_po"),
    "sublingual_wafer": ("Fsl", "Dsl", "ka_sl", "Dsr", "ka_po", "Fg_po"),
    "oral_thin_film": ("Fsl_film", "Dsl", "ka_sl", "Dsr", "ka_film", "Fg_film"),
    "im_injection": ("F_im", "ka_im"),
    "sc_injection": ("F_sc", "ka_sc"),
    "rectal": ("Dpo", "ka_rectal", "Fg_rectal"),
}
ENTRY_WHY = _ENTRY
#: Share of the gut-metabolised part that appears as the first metabolite; 0 unless stated.
GUT_METABOLITE = ("g_sw", "g_po", "g_film")
RATIOS = ("CLint", "V1", "V2", "Q1", "V3", "Q2", "CLH")


def kinetic_names() -> tuple[str, ...]:
    """Every name that the kinetics of a compound may have.

    >>> "V1" in kinetic_names() and "ratio_V1_R" in kinetic_names()
    True
    """
    names = [*KINETICS_ALWAYS, "CLint", *(name for pair in KINETICS_PAIRS for name in pair)]
    names += [name for fields in KINETICS_BY_ROLE.values() for name in fields]
    names += [name for fields in KINETICS_BY_ROUTE.values() for name in fields]
    names += [*GUT_METABOLITE, *(f"ratio_{ratio}_R" for ratio in RATIOS)]
    return tuple(dict.fromkeys(names))
