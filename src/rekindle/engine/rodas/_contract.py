"""How an integration loop is called: what it returns, and its control array.

Apart from the code of the loop, so that kept machine code runs without what generates it.
"""

from __future__ import annotations

#: What ``integrate`` returns.
FINISHED, PEAK, STEP_COLLAPSED, NOT_FINITE, TOO_MANY_STEPS = range(5)
#: The same where the loop stops at a moment when a rate jumps, and is to be called again from there.
PAUSED = -1
#: Positions in the control array of ``integrate``: in and out.
STEP, RELATIVE, ABSOLUTE, TIME_NOW, STEPS, REJECTED, MOST_STEPS, WATCH = range(8)
#: Length of the control array.
CONTROLS = 16
