"""What hostile peers have in common, whichever protocol they speak."""

from __future__ import annotations

import random

from borzoi._backends.memory import HandClock

from .ledger import Ledger


class Liar:
    """One connection."""

    def __init__(self, chance: random.Random, clock: HandClock, ledger: Ledger, connection: int) -> None:
        self._chance = chance
        self._clock = clock
        self._ledger = ledger
        self._connection = connection
        self._held = b""
        self._is_over = False
