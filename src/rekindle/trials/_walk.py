"""One person's way through a phase: scores, decisions, sessions, in order of time.

Every decision uses only what was observed before it. A decision that changes what is given later halts the
walk; the person is then simulated anew with the new plan, and the walk goes on from the same occasion with
everything observed before it unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rekindle.people import Stream, random_generator
from rekindle.trials._agenda import Occasion, agenda
from rekindle.trials._design import Condition, Design, Phase, Rule
from rekindle.trials._dropout import first_reason
from rekindle.trials._enrolment import Participant, holds, meets
from rekindle.trials._observation import Observer, SessionReadings
from rekindle.trials._requests import Request
from rekindle.trials._sessions import dose_mg
from rekindle.trials._study_difference import StudyDifference

Array = NDArray[np.float64]
Readings = Mapping[float, Array]
Plan = dict[int, float | None]

#: Beginning of the measure that notes a stopped treatment; its reason follows.
STOPPED = "treatment stopped: "
_WEEK_H = 168.0
#: Days by which a session may come before its interval is over.
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the data set: what was observed of whom, when it was planned and when it happened."""

    number: int
    phase: str
    arm: str
    day: float
    planned_h: float
    time_h: float
    measure: str
    value: float


@dataclass
class Walk:
    """A person in a phase; see the module.

    Attributes:
        offset: mean difference of the raters of the person's site, points.
        study: how the study differs from the model beyond its design.
        version: number of the version of the replicate.
        notes: lines of the data set.
        last_session: readings of the last session, and its slot.
        at, decided: place of the next occasion, and whether its visit and decisions are done.
    """

    design: Design
    phase: Phase
    participant: Participant
    offset: float
    seed: int
    replicate: int
    study: StudyDifference
    version: int = 0
    notes: list[Note] = field(default_factory=list)
    last_session: tuple[SessionReadings, int] | None = None
    at: int = 0
    decided: bool = False

    def __post_init__(self) -> None:
        keys = {"seed": self.seed, "replicate": self.replicate}
        number, name = self.participant.number, self.phase.name
        self.occasions = agenda(self.design, self.phase, number, **keys)
        self.observer = Observer(
            self.design, self.participant, name, len(self.occasions), self.offset, self.study, **keys
        )
        generator = random_generator(self.seed, self.replicate, number, 0, Stream.DROPOUT, name)
        self._chances = generator.random((len(self.occasions), len(self.design.rules)))
        generator = random_generator(self.seed, self.replicate, number, 0, Stream.DROPOUT, f"{name}: reasons")
        self._dropout = generator.random((len(self.occasions), len(self.design.dropout)))
        self._before_h = self.design.start_h(name)
        self._skipped: set[int] = set()
        self._asked: dict[str, int] = {}

    @property
    def key(self) -> str:
        """Name under which the engine knows the person."""
        again = f".{self.version}" if self.version else ""
        return f"{self.replicate}.{self.participant.number}{again}"

    def request(self) -> Request:
        """What has to be simulated for the rest of the phase."""
        one, plan = self.participant, self._plan()
        sessions, times = list(one.given), set[float]()
        for occasion in self.occasions[self.at :]:
            if occasion.place in plan:
                sessions.append((occasion.time_h, occasion.slot, one.arm, plan[occasion.place]))
            rated = self.decided and occasion.place == self.at
            visit = replace(occasion, planned=()) if rated else occasion
            read = occasion.place in plan and self.design.acute is not None
            times |= set(self.observer.times(visit, session=read))
        return Request(self.key, one, tuple(sessions), tuple(sorted(times)))

    def advance(self, readings: Readings) -> bool:
        """Walk on with what was simulated; False if the person must be simulated anew with a new plan."""
        one = self.participant
        while self.at < len(self.occasions):
            occasion = self.occasions[self.at]
            if not self.decided:
                self._rate(occasion, readings)
                before = self._plan(), len(one.changes)
                self._decide(occasion)
                if one.status != "on":
                    return True
                self.decided = True
                if (self._plan(), len(one.changes)) != before:
                    return False
            self._treat(occasion, readings)
            self._before_h = occasion.time_h
            self.at, self.decided = self.at + 1, False
        return True

    def _plan(self) -> Plan:
        """Sessions still to come: place of the occasion -> dose in mg (None for that of the arm)."""
        one, arm = self.participant, self.design.arms[self.participant.arm]
        if not (arm.sessions and one.treated):
            return {}
        found: Plan = {}
        last = one.given[-1][0] if one.given else -np.inf
        for occasion in self.occasions[self.at :]:
            early = occasion.time_h - last < 24.0 * (one.interval - _SLACK)
            if occasion.slot and occasion.place not in self._skipped and not early:
                found[occasion.place] = one.dose if arm.active else None
                last = occasion.time_h
        return found

    def _rate(self, occasion: Occasion, readings: Readings) -> None:
        for name in occasion.scales:
            score = self.observer.score(occasion, name, readings)
            self.participant.history[name].append(score)
            self._note(occasion, occasion.time_h, name, score)

    def _treat(self, occasion: Occasion, readings: Readings) -> None:
        plan = self._plan()
        if occasion.missed:
            self._note(occasion, occasion.time_h, "missed_session", 1.0)
        if occasion.place not in plan:
            return
        one = self.participant
        dose = plan[occasion.place]
        one.given.append((occasion.time_h, occasion.slot, one.arm, dose))
        amount = dose_mg(self.design.arms[one.arm], dose, one.person.weight_kg)
        self._note(occasion, occasion.time_h, "session_mg", amount)
        found = self.observer.session(occasion, readings)
        if found is None:
            return
        self.last_session = found, occasion.slot
        for measure, value in found.measures().items():
            self._note(occasion, occasion.time_h, measure, value)

    def _decide(self, occasion: Occasion) -> None:
        one, design = self.participant, self.design
        relapse = design.relapse
        if relapse is not None and design.relapse_phase == self.phase.name and self._holds(relapse):
            self._leave(occasion, "relapse")
            return
        for place, rule in enumerate(design.rules):
            if not self._is_asked(rule, occasion):
                continue
            if all(self._holds(condition) for condition in rule.conditions):
                chance = rule.chance
                if rule.weekly:
                    chance = 1.0 - (1.0 - rule.chance) ** self._weeks(occasion)
                if self._chances[occasion.place, place] < chance:
                    self._act(rule, occasion)
            if one.status != "on":
                return
        self._drop_out(occasion)

    def _drop_out(self, occasion: Occasion) -> None:
        asked = [
            (rule, float(self._dropout[occasion.place, place]))
            for place, rule in enumerate(self.design.dropout)
            if self._is_asked(rule, occasion) and all(self._holds(one) for one in rule.conditions)
        ]
        found = first_reason(asked, self._weeks(occasion))
        if found is not None:
            self._leave(occasion, str(found.value))

    def _weeks(self, occasion: Occasion) -> float:
        return max(0.0, occasion.time_h - self._before_h) / _WEEK_H

    def _is_asked(self, rule: Rule, occasion: Occasion) -> bool:
        one = self.participant
        if not rule.applies(self.phase.name, one.arm, occasion.day) or (rule.once and rule.name in one.acted):
            return False
        if all(condition.what in self.design.scales for condition in rule.conditions):
            return True
        # A question about a session is asked once after it.
        slot = 0 if self.last_session is None else self.last_session[1]
        asked = self._asked.get(rule.name, 0)
        self._asked[rule.name] = slot
        return slot > asked

    def _holds(self, condition: Condition) -> bool:
        if condition.what in self.design.scales:
            scores = self.participant.history[condition.what]
            return holds(condition, scores[1:], scores[0])
        if self.last_session is None:
            return False
        readings = self.last_session[0]
        if condition.what == "report":
            return bool(readings.reports) if condition.event == "any" else condition.event in readings.reports
        return meets(condition, readings.of(condition.what))

    def _act(self, rule: Rule, occasion: Occasion) -> None:
        one = self.participant
        one.acted.add(rule.name)
        if rule.rescue and np.isnan(one.rescued_h):
            one.rescued_h = occasion.time_h
            self._note(occasion, occasion.time_h, "rescue", 1.0)
        match rule.action:
            case "leave":
                self._leave(occasion, str(rule.value))
            case "stop":
                one.treated = False
                self._note(occasion, occasion.time_h, f"{STOPPED}{rule.value}", 1.0)
            case "dose":
                one.dose = float(rule.value)
            case "skip":
                self._skipped.add(occasion.place)
            case "interval":
                one.interval = float(rule.value)
            case "antidepressant":
                one.changes.append((occasion.time_h, "ssri_dose_ratio", float(rule.value)))

    def _leave(self, occasion: Occasion, reason: str) -> None:
        one = self.participant
        one.status, one.reason, one.left_h = "left", reason, occasion.time_h

    def _note(self, occasion: Occasion, time_h: float, measure: str, value: float) -> None:
        one = self.participant
        self.notes.append(
            Note(
                one.number, self.phase.name, one.arm, occasion.day, occasion.planned_h, time_h, measure, value
            )
        )
