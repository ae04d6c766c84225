"""Figures of the question of an analog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.people import ONSET_H, AnalogOptimum, Readouts, analog_properties
from rekindle.questions._analog_study import (
    ALL,
    FREEDOMS,
    HALF,
    KETAMINE,
    SPRAY,
    THRIFT,
    Doubt,
    Study,
    Whole,
    inside,
)
from rekindle.questions._draw import colours
from rekindle.report import INK, LINE_COLOURS, QUIET, PageFigure, new_figure, number, styled
from rekindle.therapy import PRIOR_ONLY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
#: Property -> title of a panel, with its unit.
TITLES = {
    "affinity": "half-block of receptors (uM)",
    "rho": "preference for interneurons",
    "trapping": "trapping (share)",
    "allosteric": "half-block, allosteric site (uM)",
    "direct": "half-effect, direct route (uM)",
    "liking": "liking beside block (ratio)",
    "clearance": "clearance (L/h)",
    "equilibration": "exchange with the brain (1/h)",
    "absorption": "absorption (1/h)",
}
_STYLES = {"kinetics": "--", "receptors": ":", ALL: "-"}
_NOTE = f"{PRIOR_ONLY.capitalize()}."
_TOP = 42.0


def all_figures(whole: Whole) -> dict[str, PageFigure]:
    """Figures by file name."""
    return {
        "tradeoff": _tradeoff(whole),
        "speed": _speed(whole),
        "properties": _properties(whole),
        "front": _along(whole),
        "equal": _equal(whole),
    }


def _tradeoff(whole: Whole) -> PageFigure:
    told = []
    with styled():
        figure, axes = new_figure(8.4, 6.4, 2, 2, sharex=True, sharey=True)
        colour = colours([name for name in whole.main.curves if name != SPRAY])
        for panel, study in zip(axes, whole.studies.values(), strict=False):
            _tradeoff_panel(panel, study, colour)
            told.append(f"{study.mechanism}: {_told(study.by_effect[ALL])}")
        for panel in axes[2:]:
            panel.set_xlabel("severity removed at day 1 (%)")
        for panel in axes[::2]:
            panel.set_ylabel("peak CADSS (points)")
        axes[0].set_ylim(-1.0, _TOP)
        axes[0].set_xlim(0.0, None)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8.5)
    return PageFigure(
        figure,
        f"Peak CADSS against the effect at day 1 under every mechanism; the front: {'; '.join(told)}.",
        "Each line is one compound at rising doses, each grey dot an invented molecule at the dose with the "
        "effect of ketamine IV. Black: the lowest peak found for each effect with half of it within "
        f"{ONSET_H:g} h; its last dot is the largest effect searched that a molecule has by then. "
        "Squares: 28, 56 and 84 mg. A typical person, one dose, without expectancy. Memantine is not held to "
        f"the limit of time. {_NOTE}",
    )


def _tradeoff_panel(axes: Axes, study: Study, colour: Mapping[str, str]) -> None:
    found = study.cloud.readouts
    axes.plot(100 * found.effect_day_1, found.cadss, ".", color=QUIET, alpha=0.35, markersize=3,
              label="invented molecules at equal effect")  # fmt: skip
    for name, curve in study.curves.items():
        if name == SPRAY:
            axes.plot(100 * curve.effect_day_1, curve.cadss, "s", color=LINE_COLOURS[4], markersize=5,
                      label="esketamine, 28 to 84 mg nasal")  # fmt: skip
        else:
            rising = slice(0, int(np.argmax(curve.effect_day_1)) + 1)
            axes.plot(100 * curve.effect_day_1[rising], curve.cadss[rising], color=colour[name], label=name)
    axes.plot(100 * study.ketamine.effect_day_1, study.ketamine.cadss, "D", color=INK, markersize=6,
              label="ketamine, 0.5 mg/kg IV", zorder=5)  # fmt: skip
    for freedom, optima in study.by_effect.items():
        best = [one for one in optima if one.found]
        axes.plot([100 * one.effect for one in best], [float(one.readouts.cadss[0]) for one in best],
                  _STYLES[freedom], color=INK, marker=".", markersize=4, linewidth=1.4,
                  label=f"front, {freedom} free")  # fmt: skip
    axes.set_title(study.mechanism)


def _told(optima: Sequence[AnalogOptimum]) -> str:
    best = [one for one in optima if one.found]
    return ", ".join(f"{100 * one.effect:.0f} % at {number(float(one.readouts.cadss[0]), 2)}" for one in best)


def _speed(whole: Whole) -> PageFigure:
    study, told = whole.main, []
    found = study.cloud.readouts
    with styled():
        figure, (left, right) = new_figure(9.2, 3.9, 1, 2)
        shown = left.scatter(found.onset, found.cadss, c=study.cloud.values["trapping"], s=9, cmap="viridis",
                             linewidth=0)  # fmt: skip
        figure.colorbar(shown, ax=left, label="trapping (share)", fraction=0.05, pad=0.02)
        for freedom in FREEDOMS:
            best = [one.readouts for one in (*whole.by_onset[freedom], whole.best[freedom])
                    if np.isfinite(one.readouts.cadss[0])]  # fmt: skip
            best.sort(key=lambda one: float(one.onset[0]))
            points = [(float(one.onset[0]), float(one.cadss[0])) for one in best]
            told.append(
                f"{freedom} free: " + ", ".join(f"{number(y, 2)} at {number(x, 2)} h" for x, y in points)
            )
            if points:
                left.plot(*zip(*points, strict=True), _STYLES[freedom], color=INK, marker=".", linewidth=1.4,
                          label=f"{freedom} free")  # fmt: skip
        left.plot(study.ketamine.onset, study.ketamine.cadss, "D", color=INK, markersize=6)
        left.set_xlim(0.5, 4.0)
        left.set_ylim(-1.0, _TOP)
        left.set_xlabel("hours to half of the effect at day 1")
        left.set_ylabel("peak CADSS (points)")
        left.legend(loc="center right", fontsize=8.5)
        shown = right.scatter(found.liking, found.cadss, c=np.log2(study.cloud.values["liking"]), s=9,
                              cmap="viridis", linewidth=0)  # fmt: skip
        figure.colorbar(shown, ax=right, label="own liking potency (doublings)", fraction=0.05, pad=0.02)
        right.plot(study.ketamine.liking, study.ketamine.cadss, "D", color=INK, markersize=6)
        right.set_ylim(-1.0, _TOP)
        right.set_xlabel("peak of liking (50 is neutral)")
        left.set_title("Speed is the price")
        right.set_title("Liking goes with it")
    return PageFigure(
        figure,
        f"Invented molecules at the effect of ketamine IV under {study.mechanism}; {'; '.join(told)}.",
        f"Molecules at the effect of ketamine IV (diamond) under {study.mechanism}. Left, black: the "
        "lowest peaks found for each time to half of the effect. Right: the peak of liking, an index and "
        f"never a risk of misuse. {_NOTE}",
    )


def _properties(whole: Whole) -> PageFigure:
    known, names = analog_properties(), list(whole.studies)
    colour = colours(names)
    with styled():
        figure, axes = new_figure(9.2, 7.6, 3, 3, sharey=True)
        for panel, name in zip(axes, known, strict=True):
            for mechanism, study in whole.studies.items():
                found = study.levers[name]
                ratio = found.readouts.cadss / found.reference.cadss
                if mechanism == whole.main.mechanism:
                    _doubt_band(panel, found.values[name], whole.doubt, name, colour[mechanism])
                panel.plot(found.values[name], ratio, color=colour[mechanism], marker=".", label=mechanism)
            panel.set_xscale("log")
            panel.axhline(HALF, color=QUIET, linestyle=":", linewidth=1)
            panel.axhline(1.0, color=QUIET, linewidth=0.8)
            panel.axvline(known[name].start, color=QUIET, linewidth=0.8)
            panel.set_title(TITLES[name], fontsize=9.5)
            panel.set_ylim(0.0, 2.0)
            _few_ticks(panel, known[name].low, known[name].start, known[name].high)
        for panel in axes[::3]:
            panel.set_ylabel("peak CADSS,\nketamine IV = 1")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
    told = "; ".join(
        f"{TITLES[name]}: {number(value, 2)}" if np.isfinite(value) else f"{TITLES[name]}: none"
        for name, value in whole.main.needed.items()
    )
    return PageFigure(
        figure,
        f"One property at a time. Value that halves the peak under {whole.main.mechanism}: {told}.",
        "One property through its range, the others as in S-ketamine (upright line), each at the dose with "
        "the effect of ketamine IV at day 1; a line stops where no dose has it. Dotted: half the peak. "
        f"Band: 90 % of parameter draws under {whole.main.mechanism}. {_NOTE}",
    )


def _doubt_band(axes: Axes, values: Array, doubt: Doubt | None, name: str, colour: str) -> None:
    if doubt is None:
        return
    ends = np.array([inside(column) for column in doubt.ratios[name].T])
    axes.fill_between(values, ends[:, 0], ends[:, 1], color=colour, alpha=0.13, linewidth=0)


def _few_ticks(axes: Axes, *places: float) -> None:
    axes.set_xticks(places, [f"{place:.3g}" for place in places], fontsize=8.5)
    axes.minorticks_off()


def _along(whole: Whole) -> PageFigure:
    known = analog_properties()
    names, mechanisms = FREEDOMS[ALL], list(whole.studies)
    colour, told = colours(mechanisms), []
    with styled():
        figure, axes = new_figure(9.2, 5.4, 2, 4, sharex=True)
        for panel, name in zip(axes, names, strict=False):
            for mechanism, study in whole.studies.items():
                best = [one for one in study.by_effect[ALL] if one.found]
                share = [one.effect / float(study.ketamine.effect_day_1[0]) for one in best]
                panel.plot(share, [one.values[name] for one in best], color=colour[mechanism], marker="o",
                           markersize=4, label=mechanism)  # fmt: skip
            panel.set_yscale("log")
            panel.set_ylim(known[name].low / 1.15, known[name].high * 1.15)
            panel.axhline(known[name].start, color=QUIET, linewidth=0.8)
            panel.set_yticks([known[name].low, known[name].start, known[name].high])
            panel.set_yticklabels(
                [f"{v:.3g}" for v in (known[name].low, known[name].start, known[name].high)]
            )
            panel.minorticks_off()
            panel.set_title(fill(TITLES[name], 19), fontsize=9)
            values = [one.values[name] for one in whole.main.by_effect[ALL] if one.found]
            told.append(f"{TITLES[name]} {', '.join(number(value, 2) for value in values)}")
        axes[-1].axis("off")
        axes[-1].legend(*axes[0].get_legend_handles_labels(), loc="center", fontsize=9)
        for panel in axes[3:7]:
            panel.set_xlabel("effect, ketamine IV = 1")
            panel.tick_params(labelbottom=True)
    return PageFigure(
        figure,
        f"Properties of the molecules on the front under {whole.main.mechanism}: {'; '.join(told)}.",
        "Properties of the molecules on the front (both free) for rising effects; grey: S-ketamine. A "
        f"property leaves that line only where it saves at least {THRIFT:g} point of CADSS over its whole "
        f"range; some unevenness is that of the search. {_NOTE}",
    )


def _equal(whole: Whole) -> PageFigure:
    panels = {"cadss": "peak CADSS (points)", "liking": "liking (50 neutral)",
              "systolic_rise": "systolic rise (mmHg)", "sedated": "MOAA/S 4 or less (%)"}  # fmt: skip
    bars = dict(whole.equal[KETAMINE]) | {f"analog, {name}": one.readouts for name, one in whole.best.items()}
    told = []
    with styled():
        figure, axes = new_figure(9.2, 3.6, 1, 4, sharey=True)
        for panel, (field, title) in zip(axes, panels.items(), strict=True):
            values = [_value(one, field) for one in bars.values()]
            panel.barh(range(len(bars)), [v - 50 if field == "liking" else v for v in values],
                       left=50 if field == "liking" else 0, color=LINE_COLOURS[0], height=0.6)  # fmt: skip
            _write_values(panel, values)
            panel.set_title(title, fontsize=9.5)
            panel.grid(axis="y", visible=False)
            told.append(
                f"{title}: " + ", ".join(f"{n} {number(v, 2)}" for n, v in zip(bars, values, strict=True))
            )
        axes[0].set_yticks(range(len(bars)), list(bars), fontsize=8.5)
        axes[0].invert_yaxis()
    return PageFigure(
        figure,
        "; ".join(told) + ".",
        "A session of each at the dose with the effect of ketamine IV at day 1; the analogs are those of the "
        f"front, with half of it within {ONSET_H:g} h. {_NOTE}",
    )


def _write_values(axes: Axes, values: Sequence[float]) -> None:
    for place, value in enumerate(values):
        words = number(value, 2) if np.isfinite(value) else "no dose"
        end = value if np.isfinite(value) else axes.get_xlim()[0]
        axes.annotate(
            words, (end, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8.5
        )
    axes.margins(x=0.2)


def _value(one: Readouts, field: str) -> float:
    return float(getattr(one, field)[0]) * (100.0 if field == "sedated" else 1.0)
