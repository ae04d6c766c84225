"""Figure of the page on the engine, drawn from what the examples of the page leave behind.

Run ``python docs/engine_figure.py`` after a change of the page.
"""

import doctest
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("engine.md")
TARGET = Path(__file__).with_name("figures") / "engine.png"
COLOURS = ("#0072B2", "#C65200")
DAY_H = 24.0


def names_of_the_page() -> dict[str, Any]:
    """Names that the examples define, once all of them have run as written."""
    test = doctest.DocTestParser().get_doctest(PAGE.read_text(encoding="utf-8"), {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(test, clear_globs=False)
    if result.failed:
        raise SystemExit(f"{result.failed} examples of {PAGE.name} fail")
    return test.globs


def draw() -> None:
    """Draw concentration and effect of the two people, with what was observed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = names_of_the_page()
    course, observed = names["course"], names["frame"]
    settings = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 10}
    with matplotlib.rc_context(settings):
        figure, (upper, lower) = pyplot.subplots(
            2, 1, figsize=(7.2, 5.0), sharex=True, layout="constrained", height_ratios=(1.2, 1)
        )
        for person, colour in zip(course.ids, COLOURS, strict=True):
            place = course.ids.index(person)
            days = course.grid / DAY_H
            upper.plot(days, course["concentration"][place], color=colour, label=f"person {person}")
            own = observed[observed["id"] == person]
            upper.plot(own["time"] / DAY_H, own["DV"], "o", color=colour, markersize=6)
            lower.plot(days, course["activity"][place], color=colour)
        upper.set_ylabel("warfarin in plasma, mg/L")
        upper.legend(frameon=False, title="lines: simulated, dots: DV")
        lower.set_ylabel("clotting factor activity, %")
        lower.set_xlabel("days since the first dose")
        lower.set_ylim(0, 105)
        for axes in (upper, lower):
            axes.grid(color="#DDDDDD", linewidth=0.6)
            axes.set_axisbelow(True)
        figure.savefig(TARGET, dpi=110)


if __name__ == "__main__":
    draw()
