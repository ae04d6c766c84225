"""Random numbers that belong to a person, not to the order in which people are simulated."""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from rekindle.errors import PersonError

if TYPE_CHECKING:
    from numpy.random import Generator

_WORD = 2**64
_NAME_BITS = 32


class Stream(IntEnum):
    """What the numbers are for. The values are part of every seeded result: append, never renumber."""

    COVARIATES = 1
    PARAMETERS = 2
    OBSERVATION = 3
    ALLOCATION = 4
    DROPOUT = 5
    RATER = 6
    RESAMPLING = 7


STREAMS = tuple(Stream)


def person_key(person: int | str) -> int:
    """Return the 64-bit number by which random numbers know a person.

    Whole numbers (also as text) are their own key; any other identifier is hashed, into the upper half of
    the range, so that it cannot meet a plain number below 2**63.

    >>> person_key(7), person_key("7")
    (7, 7)
    >>> person_key("sub-MOA101") >= 2**63
    True
    """
    if isinstance(person, str):
        if person.isascii() and person.isdigit() and str(int(person)) == person:
            return checked_word("person", int(person))
        return _hash(person, 64) | 2**63
    return checked_word("person", person)


def random_generator(
    seed: int, trial: int, person: int | str, occasion: int, stream: Stream, name: str = ""
) -> Generator:
    """Return the generator of one person, occasion and stream.

    It is Philox 4x64 (Salmon et al. 2011, 10.1145/2063384.2063405) with key [seed, trial] and counter
    [0, stream, occasion, person]; the first counter word counts the numbers drawn. A name opens a stream of
    its own (its 32-bit hash fills the upper half of the stream word), so that the numbers of one parameter
    do not depend on which other parameters vary.

    Args:
        seed: seed of the whole simulation, 0 to 2**64 - 1.
        trial: replicate of the trial.
        person: number or identifier of the person.
        occasion: 0 for what stays the same over occasions, 1, 2, … for occasions.
        stream: what the numbers are for.
        name: a parameter, covariate or scale; empty for the stream as a whole.

    Raises:
        PersonError: a negative number, or one beyond 64 bits.

    >>> first = random_generator(1, 0, 12, 0, Stream.COVARIATES).standard_normal()
    >>> again = random_generator(1, 0, 12, 0, Stream.COVARIATES).standard_normal()
    >>> first == again
    True
    """
    key = [checked_word("seed", seed), checked_word("trial", trial)]
    counter = [0, stream_word(stream, name), checked_word("occasion", occasion), person_key(person)]
    return np.random.Generator(
        np.random.Philox(key=np.array(key, dtype=np.uint64), counter=np.array(counter, dtype=np.uint64))
    )


def stream_word(stream: Stream, name: str = "") -> int:
    """The word of the counter that says what numbers are for."""
    return int(stream) | (_hash(name, _NAME_BITS) << _NAME_BITS if name else 0)


def _hash(text: str, bits: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=bits // 8).digest(), "little")


def checked_word(what: str, value: int) -> int:
    """A part of a key, refused unless it is a whole number of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < _WORD:
        raise PersonError(
            "RK-PER-001",
            given=f"{what} {value!r} cannot key random numbers",
            allowed="A whole number from 0 to 2**64 - 1",
            why="The same key gives the same numbers on every machine",
        )
    return int(value)
