"""The first normal number of very many keyed generators, bit for bit what each of them would give.

Making a generator takes far longer than drawing one number from it, and people need a generator for each of
their parameters. Here the cipher behind them (Philox 4x64, see ``random_generator``) is worked out for all
people at once, and numbers become normal by the ziggurat of NumPy, whose table is read from NumPy itself. The
few numbers for which the ziggurat needs more than one draw come from their own generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rekindle.people._random import Stream, checked_word, person_key, random_generator, stream_word

Array = NDArray[np.float64]
Words = NDArray[np.uint64]

#: Numbers from which working them out together is quicker than making their generators.
_FEWEST = 256
#: Salmon et al. 2011, 10.1145/2063384.2063405: multipliers, what is added to the key, rounds.
_MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_ROUNDS = 10
_HALF, _LOW_HALF = np.uint64(32), np.uint64(0xFFFF_FFFF)
#: Layers of the ziggurat, bits of a number's place within one, and by how much the part of a layer in which
#: one draw is enough is taken too narrow, so that rounding of its edge cannot matter.
_LAYERS, _PLACE_BITS, _MARGIN = 256, 52, 2.0**20


def standard_normals(
    seed: int, trial: int, people: Sequence[int | str], occasion: int, stream: Stream, names: Sequence[str]
) -> Array:
    """Return the first standard normal number of everybody's generators, shape (names, people).

    >>> from rekindle.people._random import Stream, random_generator
    >>> many = standard_normals(1, 0, range(1, 301), 0, Stream.PARAMETERS, ["kelim"])
    >>> float(many[0, 6]) == random_generator(1, 0, 7, 0, Stream.PARAMETERS, "kelim").standard_normal()
    True
    """
    found = np.empty((len(names), len(people)))
    todo = np.ones(found.shape, dtype=bool)
    if found.size >= _FEWEST and _same_as_numpy():
        streams = np.array([stream_word(stream, name) for name in names], dtype=np.uint64)
        who = np.array([person_key(person) for person in people], dtype=np.uint64)
        key = checked_word("seed", seed), checked_word("trial", trial)
        found, todo = _ziggurat(_philox(key, streams[:, None], checked_word("occasion", occasion), who))
    for row, column in np.argwhere(todo).tolist():
        generator = random_generator(seed, trial, people[column], occasion, stream, names[row])
        found[row, column] = generator.standard_normal()
    return found


def _philox(key: Sequence[int], streams: Words, occasion: int, people: Words) -> Words:
    """First word of the first block of each generator."""
    shape = np.broadcast_shapes(streams.shape, people.shape)
    # The counter is raised before the first block.
    counter: list[Words] = [
        np.full(shape, word, dtype=np.uint64) for word in (np.uint64(1), streams, np.uint64(occasion), people)
    ]
    first, second = key
    for _ in range(_ROUNDS):
        (high, low), (higher, lower) = (
            _product(counter[2 * half], multiplier) for half, multiplier in enumerate(_MULTIPLIERS)
        )
        counter = [
            higher ^ counter[1] ^ np.uint64(first),
            lower,
            high ^ counter[3] ^ np.uint64(second),
            low,
        ]
        first, second = (first + _WEYL[0]) % 2**64, (second + _WEYL[1]) % 2**64
    return counter[0]


def _product(words: Words, multiplier: np.uint64) -> tuple[Words, Words]:
    """Upper and lower word of a product of words."""
    a, b = words >> _HALF, words & _LOW_HALF
    c, d = multiplier >> _HALF, multiplier & _LOW_HALF
    one, other = a * d, b * c
    carried = ((b * d) >> _HALF) + (one & _LOW_HALF) + (other & _LOW_HALF)
    return a * c + (one >> _HALF) + (other >> _HALF) + (carried >> _HALF), words * multiplier


def _ziggurat(words: Words) -> tuple[Array, NDArray[np.bool_]]:
    """Normal numbers, and where they need more than this one word."""
    widths, edges = _table()
    layer = (words & np.uint64(_LAYERS - 1)).astype(np.intp)
    place = ((words >> np.uint64(9)) & np.uint64(2**_PLACE_BITS - 1)).astype(np.float64)
    size = place * widths[layer]
    negative = (words >> np.uint64(8)) & np.uint64(1) == 1
    return np.where(negative, -size, size), place >= edges[layer]


@cache
def _table() -> tuple[Array, Array]:
    """Width of each layer's places in NumPy's ziggurat, and up to which place one draw is surely enough.

    A generator whose next word is known tells the width: a small place becomes a normal number by one
    multiplication.
    """
    place = 2**40
    bits = np.random.Philox(0)
    generator, state = np.random.Generator(bits), bits.state
    widths = np.empty(_LAYERS)
    for layer in range(_LAYERS):
        state["buffer"], state["buffer_pos"] = np.full(4, place << 9 | layer, dtype=np.uint64), 0
        bits.state = state
        widths[layer] = generator.standard_normal() / place
    # A layer is as wide as the one above it up to that one's end; the lowest up to where the tail begins.
    edges = 2.0**_PLACE_BITS * np.concatenate([widths[-1:], [0.0], widths[1:-1]]) / widths
    return widths, edges - _MARGIN


@cache
def _same_as_numpy() -> bool:
    """Whether this NumPy makes normal numbers as this module does: another one may do it differently."""
    people = np.arange(1, 257, dtype=np.uint64)
    found, more = _ziggurat(_philox((5, 6), np.full(1, 2, dtype=np.uint64), 3, people))
    own = [
        np.random.Generator(
            np.random.Philox(key=np.array([5, 6], np.uint64), counter=np.array([0, 2, 3, one], np.uint64))
        ).standard_normal()
        for one in people
    ]
    return bool(((found == own) | more).all() and more.sum() < len(people) / 8)
