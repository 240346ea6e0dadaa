"""Changes to inputs, as hostile or broken senders make them."""

import random
from collections.abc import Callable, Sequence

MAX_BYTES = 64 * 1024
_NUMBERS = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\xff" * 8)
_ODD_TEXT = ("\ufeff", "\u2028", "\u0130", "\ud7ff", "\U0010ffff", "e\u0301", "\u0663", "\u202e")
_ODD = (*_NUMBERS, *(one.encode() for one in _ODD_TEXT), b"-1", b"0", b"9" * 40, b"\r\n", b"%00")
Change = Callable[[bytearray, random.Random, Sequence[bytes]], None]


def mutated(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Return data with a few changes; `others` are words and inputs that are put into it."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 5, 9, 30))):
        chance.choice(_CHANGES)(changed, chance, others)
    return bytes(changed[:MAX_BYTES])


def _flip(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _replace(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _insert(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    place = chance.randint(0, len(data))
    data[place:place] = chance.choice(_ODD)


def _overwrite(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    place, odd = chance.randint(0, len(data)), chance.choice(_ODD)
    data[place : place + len(odd)] = odd


def _insert_word(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    place = chance.randint(0, len(data))
    data[place:place] = _piece(chance.choice(others), chance) if others else b""


def _cut_off(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    del data[chance.randint(0, len(data)) :]


def _cut_out(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    start = chance.randint(0, len(data))
    del data[start : start + chance.choice((1, 2, 4, 16, 256))]


def _repeat(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    start = chance.randint(0, len(data))
    piece = data[start : start + chance.choice((1, 4, 16, 64))]
    data[start:start] = piece * chance.choice((1, 2, 10, 1000))
    del data[MAX_BYTES:]


def _move(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    start = chance.randint(0, len(data))
    piece = data[start : start + chance.choice((1, 4, 16, 64))]
    del data[start : start + len(piece)]
    place = chance.randint(0, len(data))
    data[place:place] = piece


def _piece(word: bytes, chance: random.Random) -> bytes:
    if len(word) <= 32 or chance.random() < 0.2:
        return word
    start = chance.randrange(len(word))
    return word[start : start + chance.choice((4, 16, 64, 256))]


_CHANGES: tuple[Change, ...] = (
    *(_flip, _flip, _replace, _replace, _insert, _overwrite),
    *(_insert_word, _insert_word, _cut_off, _cut_out, _repeat, _move),
)
