"""The results as pictures: SVG, beside the tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .measuring import PEERS, medians
from .rows import Row

BARS = ("asyncio, 64 in flight", "asyncio, 64 in flight, TLS", "asyncio, 64 in flight, HTTP/2", "blocking, 1 thread")
CURVES = ("asyncio", "uvloop", "trio", "blocking")


def draw(rows: Sequence[Row], folder: Path) -> list[str]:
    """Draw what was measured; return the names of the pictures."""
    import matplotlib as mpl

    mpl.use("svg")
    # Text stays text, and the same figures make the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "borzoi", "font.size": 9})
    folder.mkdir(exist_ok=True)
    drawn = [_curves(world, [row for row in rows if row.section == world], folder) for world in CURVES]
    drawn += [_bars(row, folder) for row in rows if row.title in BARS]
    return [name for name in drawn if name]


def _curves(world: str, rows: Sequence[Row], folder: Path) -> str:
    """Draw CPU time over how many requests there are at once."""
    from matplotlib import pyplot as plt

    if len([row for row in rows if row.measured]) < 2:
        return ""
    figure, axes = plt.subplots(figsize=(7, 4))
    for client in ("borzoi", "floor", *PEERS):
        points = [(row.in_flight, us) for row in rows if (us := _us(row, client)) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", label=client, linewidth=3 if client == "borzoi" else 1.2)
    axes.set(xscale="log", yscale="log", xlabel="in flight", ylabel="us CPU for each request", title=world)
    axes.legend(fontsize=7)
    return _save(figure, f"{world}-in-flight", folder)


def _bars(row: Row, folder: Path) -> str:
    """Draw the CPU time of each client."""
    from matplotlib import pyplot as plt

    found = [(client, us) for client in ("borzoi", *PEERS) if (us := _us(row, client)) is not None]
    if not found:
        return ""
    found.sort(key=lambda pair: -pair[1])
    figure, axes = plt.subplots(figsize=(7, 0.6 + 0.3 * len(found)))
    names, values = zip(*found, strict=True)
    bars = axes.barh(names, values, color=["C1" if name == "borzoi" else "C0" for name in names])
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set(xscale="log", xlabel="us CPU for each request", title=row.title)
    return _save(figure, row.title.replace("HTTP/2", "HTTP2").replace(",", "").replace(" ", "-"), folder)


def _us(row: Row, client: str) -> float | None:
    return medians(row, client, lambda result: result["us"])


def _save(figure: object, name: str, folder: Path) -> str:
    figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})  # type: ignore[attr-defined]
    return name
