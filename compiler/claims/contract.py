"""A contract: one claim of a network and its verdict."""

from __future__ import annotations

from typing import Literal

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes import SizeSet
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.polynomials import Point
from resnetc.compiler.syntax import tree as syntax

Verdict = Literal["proved", "checked", "void", "skipped", "false", "undecided"]


@record
class Contract:
    """A claim of a network with its verdict.

    - `proved`: it speaks of sizes and holds at all of `sizes`, axis by axis the sizes that it is about.
    - `checked`: it speaks of numbers that the input's size does not change, and holds; `sizes` is empty.
    - `void`: its condition is met by nothing here, so it claims nothing.
    - `skipped`: it was made for other slots than those that an instance or `--set` binds. If it speaks of sizes,
      it does not hold with these.
    - `false`, `undecided`: `fault` says why.
    """

    expect: syntax.Expect
    frame: Frame  # what it sees
    text: str  # the statement in one line, as far as the claim and its condition
    span: Span  # of the claim
    verdict: Verdict
    sizes: tuple[SizeSet, ...] = ()
    fault: Diagnostic | None = None
    counterexamples: tuple[Point, ...] = ()  # of a false one: the smallest, and the nearest to the declared size

    @property
    def holds(self) -> bool:
        """Whether it was found true."""
        return self.verdict in ("proved", "checked")

    def __str__(self) -> str:
        return f"{self.text} ({self.span})"
