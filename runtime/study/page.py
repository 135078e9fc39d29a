"""Writes what a study leaves: `table.csv`, `figure.svg`, `figure.png` and `report.html`, one page without scripts."""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import torch
from markupsafe import Markup

from resnetc.runtime.errors import RunError
from resnetc.runtime.run import checkpoint, environment
from resnetc.runtime.study import figure
from resnetc.runtime.study.plan import Plan
from resnetc.runtime.study.study_code import StudyCode
from resnetc.runtime.study.table import Table
from resnetc.runtime.study.training import TrainedArm
from resnetc.runtime.study.verdict import Verdict, compute_interval, judge
from resnetc.terminal import harmless

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True, slots=True)
class Findings:
    """A study that has been made: its figures, and what they say."""

    plan: Plan
    table: Table
    verdict: Verdict


def refuse_diverged(code: StudyCode, arms: Sequence[TrainedArm]) -> None:
    """RunError where a run diverged of a study that needs what it has learnt."""
    diverged = [f"{arm.label}, seed {seed}" for arm in arms for seed in arm.diverged]
    if diverged and not code.TAKES_DIVERGED:
        raise RunError(
            f"{diverged[0]}: its loss diverged, and this study needs the trained net; choose other seeds with --seeds"
        )


def find(plan: Plan, code: StudyCode, table: Table) -> Findings:
    """What the figures of a study say by its own rule."""
    return Findings(plan, table, judge(plan.criteria, code.compute_statistics(table)))


def write(findings: Findings, code: StudyCode, arms: Sequence[TrainedArm], out: Path) -> Path:
    """Write the four files into the folder `out`, which exists; returns the path of the page."""
    plan, table = findings.plan, findings.table
    checkpoint.write(out / "table.csv", table.to_csv().encode())
    picture, _ = figure.save(code.draw(table), out)
    drawing = picture.read_text("utf-8")
    notes = {arm.label: arm.compiled.text.values.get("note", "") for arm in arms}
    page = _load_template().render(
        plan=plan,
        verdict=findings.verdict,
        heads=[head for _, head in code.SUMMARY],
        rows=[(arm, [format_mean(table, arm, quantity) for quantity, _ in code.SUMMARY]) for arm in table.arms],
        figure=Markup(drawing[drawing.index("<svg") :]),
        commands=[(arm.label, [run.folder.name for run in arm.runs]) for arm in arms],
        seconds=sum(run.last_record["seconds"] for arm in arms for run in arm.runs),
        notes=notes,
        has_notes=any(notes.values()),
        seeds=len(plan.set_up.seeds) if plan.set_up else 0,
        machine=describe_machine(),
        format_number=format_number,
    )
    checkpoint.write(out / "report.html", harmless(page).encode())
    return out / "report.html"


def describe_machine() -> str:
    """Hardware and versions, in a line."""
    return f"{environment.read_processor_name()}, {os.cpu_count()} cores; torch {torch.__version__}"


def format_mean(table: Table, arm: str, quantity: str) -> str:
    """The mean over the seeds and, where there are several, half of its interval to the same digit; nothing where
    nothing was measured."""
    try:
        values = table.values(arm, quantity)
    except KeyError:
        return ""
    low, high = compute_interval(values)
    mean = format_number(fmean(values))
    decimals = len(mean.partition(".")[2])
    return f"{mean} ± {(high - low) / 2:,.{decimals}f}" if len(values) > 1 else mean


def format_number(value: float) -> str:
    """A number for people: whole ones with separators, others with three or four digits."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 1000 else f"{value:,.0f}"


@functools.cache
def _load_template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("resnetc.runtime.study", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("study.html.j2")
