"""Parameter recovery: do 90 % intervals hold the truths that made the figures? 50 replicates.

Figures of the published studies' sizes are simulated from a population drawn from the priors and
fitted blind. Not a matter of speed: about three quarters of an hour on one core.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from _measure import show

from anagen.population.bank import proposals
from anagen.population.calibrate import Settings, build_data, wide_prior
from anagen.population.recovery import RECOVERED, recover

REPLICATES = 50
PEOPLE = 2000
TARGET = (0.85, 0.95)


def main(replicates: int = REPLICATES) -> None:
    settings = Settings(Path(mkdtemp()), people=PEOPLE)
    data = build_data(settings, "first", proposals([wide_prior()], 1.0), PEOPLE, print)
    sizes: list[int] = []
    inside = []
    for number, replicate in enumerate(recover(data, iter(range(replicates))), start=1):
        sizes = [replicate.truth[name].size for name in RECOVERED]
        inside.append(replicate.inside())
        print(f"{number} of {replicates}: {inside[-1].mean():.0%} inside", flush=True)
    held = np.array(inside)
    starts = np.cumsum([0, *sizes])
    rows = [
        (name, f"{held[:, start:end].mean():.1%}", held[:, start:end].size)
        for name, start, end in zip(RECOVERED, starts[:-1], starts[1:], strict=True)
    ]
    low, high = TARGET
    met = "met" if low <= held.mean() <= high else "MISSED"
    rows.append(("all", f"{held.mean():.1%}", f"{held.size}, target 85 to 95 %: {met}"))
    show("Truths inside 90 % intervals", ("number", "inside", "of"), rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
