"""What the figures of a study say of its claim, by a rule that stands in the study's text before anything is trained.

A claim is the sum of its criteria: "this statistic is at least (at most) that threshold". A criterion holds where the
95 % interval of the statistic's mean over the seeds lies on the right side of the threshold, fails where it lies on the
wrong side, and is open where the threshold is inside of it. One seed has no interval: whatever it shows, it is open.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, stdev


class Outcome(Enum):
    """Of a criterion: whether it holds."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "open"


class Word(Enum):
    """Of a study: what its figures say."""

    SUPPORTED = "supported here"
    NOT_SUPPORTED = "not supported here"
    TOO_SMALL = "too small to tell"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One part of a claim as its study states it: `statistic` names what the study computes from its figures.

    says: the part in words; threshold: what the statistic is held against; at_least: whether it must not be below, or
    not above. exact: the statistic is a count, which no seed changes.
    """

    statistic: str
    says: str
    threshold: float
    at_least: bool
    exact: bool = False

    def judge(self, values: Sequence[float]) -> "Judgement":
        """Hold the statistic of every seed against the threshold; ValueError where there is none."""
        if not values:
            raise ValueError(f"no value of {self.statistic}")
        if not all(map(math.isfinite, values)):
            return Judgement(self, tuple(values), (-math.inf, math.inf), Outcome.OPEN)
        interval = (min(values), max(values)) if self.exact else compute_interval(values)
        low, high = interval
        right = low >= self.threshold if self.at_least else high <= self.threshold
        wrong = high < self.threshold if self.at_least else low > self.threshold
        outcome = Outcome.HOLDS if right else Outcome.FAILS if wrong else Outcome.OPEN
        return Judgement(self, tuple(values), interval, outcome)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A criterion with the statistic's value for every seed, the interval of their mean, and the outcome."""

    criterion: Criterion
    values: tuple[float, ...]
    interval: tuple[float, float]
    outcome: Outcome

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return fmean(self.values)

    @property
    def is_in_favour(self) -> bool:
        """Whether the mean is on the right side, however uncertain it is."""
        one = self.criterion
        return self.mean >= one.threshold if one.at_least else self.mean <= one.threshold

    @property
    def words(self) -> str:
        """The outcome; of an open one, to which side it leans."""
        if self.outcome is not Outcome.OPEN or not math.isfinite(self.mean):
            return self.outcome.value
        return f"{self.outcome.value}, {'for' if self.is_in_favour else 'against'} the claim so far"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judgements of all criteria come to: supported if all hold, not supported if one fails, else open."""

    judgements: tuple[Judgement, ...]

    @property
    def word(self) -> Word:
        """The verdict."""
        outcomes = {judgement.outcome for judgement in self.judgements}
        if Outcome.FAILS in outcomes:
            return Word.NOT_SUPPORTED
        return Word.TOO_SMALL if Outcome.OPEN in outcomes or not outcomes else Word.SUPPORTED

    @property
    def sentence(self) -> str:
        """What was found, in a sentence without its full stop."""
        total = len(self.judgements)
        holding = sum(one.outcome is Outcome.HOLDS for one in self.judgements)
        failing = [one.criterion.says for one in self.judgements if one.outcome is Outcome.FAILS]
        parts = [
            f"{holding} of {total} parts hold{'s' if holding == 1 else ''}" if holding else "",
            f"it does not hold that {'; nor that '.join(failing)}" if failing else "",
            self._describe_open([one for one in self.judgements if one.outcome is Outcome.OPEN]),
        ]
        return f"{self.word.value}: {'; '.join(filter(None, parts))}"

    def _describe_open(self, judgements: Sequence[Judgement]) -> str:
        """How many parts are open, and to which side these lean."""
        if not judgements:
            return ""
        leaning = [one.is_in_favour for one in judgements if math.isfinite(one.mean)]
        counts = {"towards the claim": leaning.count(True), "away from the claim": leaning.count(False)}
        sides = {side: count for side, count in counts.items() if count}
        total = f"{len(judgements)} of {len(self.judgements)}"
        if len(judgements) == 1:
            return f"{total} is open" + "".join(f" and leans {side}" for side in sides)
        listed = ", ".join(f"{count} lean{'s' if count == 1 else ''} {side}" for side, count in sides.items())
        return f"{total} are open" + (f": {listed}" if listed else "")


def judge(criteria: Sequence[Criterion], statistics: Mapping[str, Sequence[float]]) -> Verdict:
    """The verdict of a study: `statistics` has the values of each criterion's statistic, one for each seed."""
    return Verdict(tuple(criterion.judge(statistics[criterion.statistic]) for criterion in criteria))


def compute_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean (Student's t); of one value, and where one is no number, all numbers."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return -math.inf, math.inf
    from scipy.special import stdtrit

    half = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half
