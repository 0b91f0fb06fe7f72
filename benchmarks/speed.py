"""How near framedream comes to what the machine can do: one table of ratios, of one run.

    pip install "framedream[benchmarks]"
    python -m benchmarks.speed [steps overhead start films loops sizes memory] [--pairs 5] [--record]

``steps`` are ascent steps against a matrix product, ``overhead`` the whole command against its steps, ``start`` the
first dreamed frame, ``films`` and ``loops`` the film and the steps of two plain loops against framedream's, ``sizes``
the cost as the frame grows, ``memory`` the peaks. Each is taken in alternating pairs after a warm-up; the median
counts. ``--record`` writes the table into `benchmarks/records/`, by its date.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import beside, memory, overhead, start, steps
from benchmarks.clips import SAMPLES
from benchmarks.figures import HEADING, PAIRS, Figure
from benchmarks.hardware import description

RECORDS = Path(__file__).parent / "records"

PARTS: dict[str, Callable[[int, Path], Iterator[Figure]]] = {
    "steps": lambda pairs, _: steps.figures(pairs),
    "overhead": overhead.figures,
    "start": start.figures,
    "films": beside.films,
    "loops": beside.steps,
    "sizes": beside.sizes,
    "memory": memory.figures,
}


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--clip", type=Path, default=SAMPLES / "bunny.mp4")
    parser.add_argument("--record", action="store_true", help="write the table into benchmarks/records")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}; there are {', '.join(PARTS)}")
    lines = [*(f"- {line}" for line in description()), "", *HEADING.splitlines()]
    print("\n".join(lines), flush=True)
    for part in arguments.parts or PARTS:
        for figure in PARTS[part](arguments.pairs, arguments.clip):
            lines.append(str(figure))
            print(figure, flush=True)
    if arguments.record:
        print(f"\n{record(lines)}")


def record(lines: list[str]) -> Path:
    """Keep a table; a second one of the same day stands behind the first."""
    now = datetime.datetime.now(datetime.UTC)
    path = RECORDS / f"{now:%Y-%m-%d}.md"
    path.parent.mkdir(exist_ok=True)
    before = path.read_text() if path.exists() else f"# Speed, {now:%Y-%m-%d}\n"
    path.write_text(f"{before}\n## {now:%H:%M} UTC\n\n" + "\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    main()
