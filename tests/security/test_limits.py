"""S6-S8, S10, S11, S15, S17, S19: hostile input ends soon, in little memory, with a code, and changes nothing."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from attacks import FAMILIES, NET, Attack
from confined import Outcome, Run, confined

ROOT = Path(__file__).parents[2]
CODES = set(re.findall(r"^\| `([EW]\d{4})`", (ROOT / "docs" / "errors" / "README.md").read_text(), re.MULTILINE))
PLACE = re.compile(r"^ *--> .*?:(\d+):(\d+)$", re.MULTILINE)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p): p.read_bytes() if p.is_file() else None for p in sorted(folder.glob("*")) if not p.is_symlink()}


def ran(attacks: list[Attack], folder: Path) -> list[tuple[Attack, Outcome, bool]]:
    """Every attack with its outcome, and whether it left its folder as it was."""
    runs, before = [], []
    for i, attack in enumerate(attacks):
        place = folder / str(i) / "work"
        place.mkdir(parents=True)
        attack.make(place)
        runs.append(Run(str(place), list(attack.arguments)))
        before.append(contents(place))
    outcomes = confined(runs)
    same = [contents(Path(run.folder)) == held for run, held in zip(runs, before, strict=True)]
    return list(zip(attacks, outcomes, same, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_input_is_refused_soon_and_changes_nothing(family, tmp_path):
    attacks = FAMILIES[family]()
    held(family, attacks[::4] if family == "lengths" else attacks, tmp_path)


@pytest.mark.slow
def test_every_hostile_length_is_refused_soon_and_changes_nothing(tmp_path):
    held("lengths", FAMILIES["lengths"](), tmp_path)


def held(family: str, attacks: list[Attack], folder: Path) -> None:
    wrong = []
    for attack, outcome, same in ran(attacks, folder):
        found = re.findall(r"^error\[(E\d+)\]", outcome.err, re.MULTILINE)
        ended = outcome.status == (1 if attack.codes or "--check" in attack.arguments else 0)
        told = all(code.startswith(attack.codes) and code in CODES for code in found) and bool(found) == bool(
            attack.codes
        )
        placed = all(int(line) >= 1 and int(column) >= 1 for line, column in PLACE.findall(outcome.err))
        if family == "numbers":
            ended, told = outcome.status in (0, 1), all(code in CODES for code in found)
        if not (ended and told and placed and same):
            wrong.append((attack.name, outcome.status, found, outcome.err[-300:]))
    assert wrong == []


def test_a_run_that_takes_too_much_is_ended(tmp_path):
    """The limits are in force: a family of networks that is accepted, and takes longer, ends at them."""
    many = NET.replace("net()", "net(n: int)").replace("input", "each n in range(1, 1_001)\n  input", 1)
    work = tmp_path / "0" / "work"
    work.mkdir(parents=True)
    (work / "net.resnet").write_text(many.replace("basic(8)", "basic(n)"))
    (outcome,) = confined([Run(str(work), ["check", "net.resnet"], seconds=1)])
    assert outcome.status < 0
