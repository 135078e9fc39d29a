"""What a study measured, in long form: a figure a line, with the arm, the seed, the quantity and the place."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number: of an arm, of its run with a seed (None: of no run, such as a count), of a quantity.

    place: where in the network or at which x it was taken, such as the number of a layer; 0 where there is but one.
    """

    arm: str
    seed: int | None
    quantity: str
    value: float
    place: float = 0.0
    label: str = ""


class Table:
    """The figures of a study, in the order in which they were measured."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self.figures = tuple(figures)

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms."""
        return tuple(dict.fromkeys(figure.arm for figure in self.figures))

    def by_seed(self, arm: str, quantity: str) -> dict[int | None, float]:
        """The one figure of each run of an arm; KeyError where there is none."""
        chosen = {one.seed: one.value for one in self.figures if (one.arm, one.quantity) == (arm, quantity)}
        if not chosen:
            raise KeyError(f"{arm} has no {quantity}")
        return chosen

    def values(self, arm: str, quantity: str) -> tuple[float, ...]:
        """The same, in the order of the seeds."""
        return tuple(self.by_seed(arm, quantity).values())

    def curves(self, arm: str, quantity: str) -> dict[int | None, list[tuple[float, float]]]:
        """For each run of an arm, the places and the values of a quantity that is taken at several."""
        curves: dict[int | None, list[tuple[float, float]]] = {}
        for one in self.figures:
            if (one.arm, one.quantity) == (arm, quantity):
                curves.setdefault(one.seed, []).append((one.place, one.value))
        return curves

    def mean_curve(self, arm: str, quantity: str) -> tuple[list[float], list[float]]:
        """The places, and the mean over the runs at each."""
        points: dict[float, list[float]] = {}
        for curve in self.curves(arm, quantity).values():
            for place, value in curve:
                points.setdefault(place, []).append(value)
        return list(points), [sum(values) / len(values) for values in points.values()]

    def rename_arms(self, names: Mapping[str, str]) -> "Table":
        """The same figures under other names of their arms."""
        return Table(
            Figure(
                names.get(one.arm, one.arm),
                one.seed,
                quantity=one.quantity,
                value=one.value,
                place=one.place,
                label=one.label,
            )
            for one in self.figures
        )

    def to_csv(self) -> str:
        """The table as CSV, a line a figure."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["arm", "seed", "quantity", "place", "label", "value"])
        for one in self.figures:
            seed = "" if one.seed is None else one.seed
            writer.writerow([one.arm, seed, one.quantity, f"{one.place:g}", one.label, repr(one.value)])
        return text.getvalue()
