"""Stores, tells again, indexes and removes in archive PATH without end, by SEED; says when it has begun."""

import random
import sys
from datetime import timedelta
from pathlib import Path

from vedette_archive import Batch, Retention, Writer
from vedette_schemas import Severity

from tests.archive.test_search import HOSTS, KINDS, TEXTS, observations, told
from tests.messages import NOON

if __name__ == "__main__":
    chance = random.Random(sys.argv[2])
    with Writer(Path(sys.argv[1])) as writer:
        print("begun", flush=True)
        for step in range(1_000_000):
            host, text = chance.choice(HOSTS), chance.choice(TEXTS)
            first = 1_000_000 * int(sys.argv[2]) + 10 * step + 1
            alert = told(chance.randint(1, 50), host, chance.choice(list(Severity)), text, step)
            run = observations(chance.choice(KINDS), text, host, first, 10, step)
            writer.store(Batch(runs=(run,), alerts=(alert,)))
            writer.index_words(chance.randint(0, 2))
            writer.remove_expired(Retention(), NOON + timedelta(days=7, seconds=step - 20), step=7)
