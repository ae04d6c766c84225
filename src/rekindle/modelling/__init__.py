r'''The model language: read a text of equations with units into a checked ``Model``.

A small model::

    model warfarin "Warfarin, one compartment"
    time [h]
    parameter ka [1/h] = 0.6 in 0.1 to 3 mark recalled source "a paper" "absorption rate"
    parameter CL [L/h] = 0.13 "clearance of 70 kg"
    parameter V [L] = 8
    covariate weight [kg] = 70 in 30 to 200 carry locf "body weight"
    state depot [mg] "dose in the gut"
    state central [mg]
    clearance [L/h] = CL*(weight/70[kg])^0.75
    d/dt(depot) = -ka*depot
    d/dt(central) = ka*depot - clearance/V*central
    bioavailability(depot) = 0.9
    output concentration [ng/mL] = central/V "plasma concentration"

Lines
    One statement a line. ``#`` begins a comment. A line that is indented deeper than the first statement, or
    that follows an open parenthesis, continues the statement before it. Texts stand between ``"`` on a line.

Names
    Letters, digits and underscores. States, parameters, covariates, switches and definitions share one space
    of names; outputs and events have their own. Words of the language cannot be names. Statements may come in
    any order.

Statements
    ``model NAME "text"`` and ``time [unit]``
        Once each in the main file. In included files they may stand, and the time unit must be the same.
    ``parameters "file.csv"``
        Data file beside the model with the columns name, unit, value, low, high, mark, source, description
        (the last five may be missing). Numbers are converted to the declared unit. A name that the model does
        not declare, a repeated name, an unknown mark and a value outside its range are refused. An empty
        value means that the user must give it.
    ``include "file.model"``
        Reads another file of the same folder as if it stood here.
    ``include "file.model" for S, R``
        Reads it once per suffix: every name declared in it becomes ``name_S`` and ``name_R`` (outputs and
        named peak events too). Inside the file names are written plainly; names not declared there mean those
        outside. Event names of ``on`` stay as they are, because they stand in data. In data files a row
        ``name_S`` is for one copy, a row ``name`` for all that have no row of their own.
    ``shared ...``
        Before a parameter, covariate, switch or definition of an included file: one for all copies.
    ``parameter NAME [unit] = value in low to high mark MARK source "text" "description"``
        All after the unit may be missing, the order of ``in``, ``mark`` and ``source`` is free. Marks: seen,
        derived, calibrated, assumed, recalled, user.
    ``covariate NAME [unit] = default in low to high carry RULE "description"``
        Rules: locf, nocb, linear. Without a default every person must have a value; without a rule the user
        states how a changing covariate is carried between records.
    ``switch NAME in first, second "description"``
        A structural choice made when the model is read; the first option is the default.
    ``state NAME [unit] = initial value "description"`` and ``d/dt(NAME) = expression``
        The initial value is 0 when missing and may use parameters, covariates and definitions of them.
    ``NAME [unit] = expression "description"``
        A definition. Without the unit it gets the unit that follows from the expression.
    ``output NAME [unit] = expression "description"``
        What a simulation returns; ``hypothesis output`` marks what nobody can measure.
    ``bioavailability(STATE) = ...``, ``lag(STATE) = ...``, ``duration(STATE) = ...``, ``rate(STATE) = ...``
        How doses enter a state; the last two serve records with RATE -2 and -1. A unit may precede ``=``.
        They depend on parameters, covariates and definitions of them.
    ``on NAME "description": STATE <- expression, STATE <- expression``
        What a record with this name in its column EVENT does. All right sides see the values before the
        event. Several statements for one name are joined.
    ``when peak(expression) if condition "description" as NAME: STATE <- expression``
        The same whenever the expression passes a maximum while the condition holds. ``if`` and ``as`` may be
        missing; without ``as`` the event is called ``peak_`` and the name watched.
    ``when left > right if condition "description" as NAME: STATE <- expression``
        The same whenever the comparison (``<``, ``<=``, ``>`` or ``>=``) turns true while the condition
        holds, by the course of the states or by a record; one that is true at the start turns true there.

Expressions
    Numbers (``70``, ``1e-3``, with a unit ``70[kg]``), names, ``+ - * / ^`` (``**`` is the same as ``^``; it
    binds more tightly than a sign and from right to left), parentheses and ``time``. Functions: ``exp log
    sqrt abs floor tanh``, ``min max`` of two or more, ``positive(x)`` = max(x, 0), ``logistic(x)`` =
    1/(1 + exp(-x)), ``logit(x)``, ``hill(x, half, n)`` = x^n/(half^n + x^n) and 0 for negative x,
    ``if(condition, then, else)``, and ``infusion(STATE)``: the rate at which doses now run into a state after
    bioavailability. Conditions: ``< <= > >= == !=`` joined by ``and or not``; ``switch == option``.

Units
    A number without a unit is a pure number; the literal 0 fits any unit; a single number on the right of a
    declared unit is in that unit. Both sides of sums, comparisons, min, max and if need the same unit and
    scale. exp, log, tanh, floor, logistic, logit and exponents need pure numbers; what has a unit has only
    whole constant powers. A left side with another scale converts by itself: ``output c [ng/mL] = central/V``
    with mg and L is multiplied by 1000, and d/dt is converted to the unit of the state over the unit of time.

>>> model = read_model("""model decay
... time [h]
... parameter k [1/h] = 0.1
... state A [mg] = 5
... d/dt(A) = -k*A
... """)
>>> float(evaluate(model.derivatives["A"], {"k": 0.1, "A": 5.0}))
-0.5
'''

from typing import TYPE_CHECKING

from rekindle._on_demand import on_demand
from rekindle.modelling._expression import (
    Expression,
    add,
    call,
    constant,
    differentiate,
    divide,
    evaluate,
    multiply,
    negate,
    power,
    rebuild,
    select,
    substitute,
    subtract,
    symbol,
    symbols,
    topological,
)
from rekindle.modelling._kept import remember
from rekindle.modelling._model import (
    CARRY_RULES,
    MARKS,
    Assignment,
    Covariate,
    CrossingEvent,
    Definition,
    DoseRule,
    Model,
    NamedEvent,
    Output,
    Parameter,
    PeakEvent,
    State,
    Switch,
)
from rekindle.modelling._read_model import read_model

if TYPE_CHECKING:
    from rekindle.modelling._describe import describe
    from rekindle.modelling._markdown import to_markdown
    from rekindle.modelling._notation import to_text
    from rekindle.modelling._sbml import to_sbml
    from rekindle.modelling._sbml_import import SbmlImport, import_sbml, load_sbml
else:
    __getattr__ = on_demand(
        __name__,
        {
            "_describe": "describe",
            "_markdown": "to_markdown",
            "_notation": "to_text",
            "_sbml": "to_sbml",
            "_sbml_import": "SbmlImport, import_sbml, load_sbml",
        },
    )

__all__ = [
    "CARRY_RULES",
    "MARKS",
    "Assignment",
    "Covariate",
    "CrossingEvent",
    "Definition",
    "DoseRule",
    "Expression",
    "Model",
    "NamedEvent",
    "Output",
    "Parameter",
    "PeakEvent",
    "SbmlImport",
    "State",
    "Switch",
    "add",
    "call",
    "constant",
    "describe",
    "differentiate",
    "divide",
    "evaluate",
    "import_sbml",
    "load_sbml",
    "multiply",
    "negate",
    "power",
    "read_model",
    "rebuild",
    "remember",
    "select",
    "substitute",
    "subtract",
    "symbol",
    "symbols",
    "to_markdown",
    "to_sbml",
    "to_text",
    "topological",
]
