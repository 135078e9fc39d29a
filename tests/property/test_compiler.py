"""Laws of the compiler over random specs: same bytes, tidy code, faults told as faults, names that only are names."""

from __future__ import annotations

import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from resnetc.cli.main import main
from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.formatter.formatter import format
from resnetc.compiler.source import Source
from resnetc.testing import SpecRefused, Trial, assert_diagnosed, bad_specs, models, trials
from resnetc.testing.torch_module import module_of

ROOT = Path(__file__).resolve().parents[2]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
CODES = frozenset(re.findall(r"^\| `([EW]\d{4})`", (ROOT / "docs" / "errors" / "README.md").read_text(), re.MULTILINE))


def sample(strategy: st.SearchStrategy[str], count: int) -> list[str]:
    """Some examples, all different."""
    found: dict[str, None] = {}

    @settings(max_examples=3 * count, phases=[Phase.generate], database=None, suppress_health_check=SLOW)
    @given(strategy)
    def keep(text: str) -> None:
        found[text] = None

    keep()
    return list(found)[:count]


@cache
def sample_models() -> list[str]:
    """The models that every law about the generated text is tried with: to draw them takes longer than to look."""
    return sample(models(), 40)


# -- the generated text -----------------------------------------------------------------------------------------------

HASHES = """
import hashlib, json, pathlib, sys
from resnetc.testing import trials
texts = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
print([hashlib.sha256(t.source.encode()).hexdigest() for text in texts for t in trials(text)])
"""


def test_the_same_bytes_under_every_hash_seed_folder_and_locale(tmp_path: Path) -> None:
    texts = sample_models()
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    answers = set()
    for seed, locale, folder in (("0", "C", ROOT), ("1", "C.UTF-8", tmp_path), ("31337", "POSIX", Path("/"))):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, "-c", HASHES, str(tmp_path / "texts.json")],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        answers.add(done.stdout)
    assert len(answers) == 1


def test_generated_text_is_tidy_and_imports_torch_and_the_standard_library(tmp_path: Path) -> None:
    files = []
    for i, text in enumerate(sample_models()):
        for trial in trials(text):
            tree = ast.parse(trial.source)
            modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
            modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
            assert {str(name).partition(".")[0] for name in modules} - {"collections", "typing"} == {"torch"}
            path = tmp_path / f"network{i}.py"
            path.write_text(trial.source, encoding="utf-8")
            (tmp_path / f"network{i}.resnet").write_text(text, encoding="utf-8")
            files.append(path.name)
    ruff = [sys.executable, "-m", "ruff"]
    for command in ([*ruff, "format", "--isolated", "--line-length", "120", "--diff"], [*ruff, "check", "--isolated"]):
        done = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n(specs in {tmp_path})"


def test_every_module_is_clean_under_strict_mypy(tmp_path: Path) -> None:
    """The committed ones, those of `tests/codegen` and random ones, in one run with the settings and the cache of the
    product's own: both mostly read torch.
    """
    package = tmp_path / "generated"  # the name by which pyproject.toml knows them
    shutil.copytree(ROOT / "generated", package, ignore=shutil.ignore_patterns("__pycache__"))
    for spec in (ROOT / "tests" / "codegen").glob("*.resnet"):
        shutil.copy(spec.with_suffix(".py"), package)
    for i, text in enumerate(sample_models()):
        for trial in trials(text):
            (package / f"network{i}.py").write_text(trial.source, encoding="utf-8")
    (package / "wrong.py").write_text('x: int = "one"\n', encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", "generated"]
    done = subprocess.run(
        [*command, "--cache-dir", str(ROOT / ".mypy_cache")], cwd=tmp_path, capture_output=True, text=True
    )
    wrong, *others, last = done.stdout.splitlines()
    assert wrong.startswith("generated/wrong.py:1: error: ") and others == [], done.stdout + done.stderr
    sources = [package, *package.rglob("*")]  # mypy counts folders too
    assert last == f"Found 1 error in 1 file (checked {len(sources)} source files)"


# -- texts that are no specs ------------------------------------------------------------------------------------------


@settings(max_examples=150, suppress_health_check=SLOW)
@given(bad_specs())
def test_a_damaged_spec_is_told_as_such(text: str) -> None:
    assert_diagnosed(text, CODES)


TOKENS = st.sampled_from(
    "edition 1 use block model policy slot set let each in out input stem stage head expect require when otherwise of "
    'first extern ( ) { } [ ] , : = => |> + - * / % == <= . "t" 3 0 1e9 net unit width int H conv norm ///d //c'.split()
)


@settings(max_examples=300)
@given(st.one_of(st.binary(), st.text(), st.lists(TOKENS, max_size=40).map(" ".join)))
@example(b"\xff\xfeedition 1")
@example("edition 1\n\0")
@example("")
def test_no_bytes_make_the_compiler_raise(data: bytes | str) -> None:
    assert assert_diagnosed(data, CODES) or "edition" in str(data)


@settings(max_examples=25, suppress_health_check=[*SLOW, HealthCheck.function_scoped_fixture])
@given(st.one_of(bad_specs(), st.text()))
def test_the_command_ends_with_one_or_nothing_at_fault(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.resnet"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert main(["check", str(path)]) in (0, 1)


# -- names and order --------------------------------------------------------------------------------------------------


def same_network(one: Trial, other: Trial) -> None:
    """Equal in all but the words of the generated text."""
    assert digests(one.network) == digests(other.network)
    assert [axis.first(50) for axis in one.accepted.axes] == [axis.first(50) for axis in other.accepted.axes]
    assert one.measures.parameters == other.measures.parameters
    sizes = tuple(axis.min or 1 for axis in one.accepted.axes)
    assert one.measures.count_all_multiply_adds(sizes) == other.measures.count_all_multiply_adds(sizes)
    if not all(axis.min for axis in one.accepted.axes) or max(sizes) > 100:
        return
    state = module_of(one.source).state_dict()
    module_of(other.source).load_state_dict(state, strict=True)
    x = torch.rand((2, one.network.input.channels, *sizes))
    with torch.no_grad():
        outputs = [module_of(trial.source)(x) for trial in (one, other)]
    for a, b in zip(*(o.values() if isinstance(o, dict) else [o] for o in outputs), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)


RENAMED = {r"\bv(\d+)\b": r"value_\1", r"\bwidth\b": "breadth", r"\bmiddle\b": "centre", r"\bcounts\b": "numbers"}


@settings(max_examples=40, suppress_health_check=SLOW)
@given(models())
def test_names_of_values_and_parameters_are_only_names(text: str) -> None:
    renamed = text
    for pattern, replacement in RENAMED.items():
        renamed = re.sub(pattern, replacement, renamed)
    for one, other in zip(trials(text), trials(renamed), strict=True):
        same_network(one, other)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(models(), st.data())
def test_the_order_of_items_changes_nothing(text: str, data: st.DataObject) -> None:
    head, *items = text.strip().split("\n\n")
    order = data.draw(st.permutations(items))
    before, after = trials(text), trials("\n\n".join([head, *order]))
    assert len(before) == len(after)
    for one in before:
        (other,) = [t for t in after if t.network.name == one.network.name]
        assert unsigned(one.source) == unsigned(other.source)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(models(), st.integers(0))
def test_formatting_changes_nothing_but_the_looks(text: str, seed: int) -> None:
    """Whatever stands between words: one canonical text, the same network in every byte."""
    chance = random.Random(seed)
    lines = [
        line
        if line.startswith("///")
        else re.sub(r"(?<=[\w,)]) (?=\w)", lambda _: chance.choice((" ", "   ", " \t", "\n")), line)
        for line in text.split("\n")
    ]
    loose = "\n".join(lines)
    made = format(Source("loose.resnet", loose))
    assert format(Source("made.resnet", made)) == made == format(Source("text.resnet", text))
    for one, other in zip(trials(text), trials(made), strict=True):
        assert unsigned(one.source) == unsigned(other.source)


def unsigned(source: str) -> str:
    """Without the digests of the spec's text and of its own."""
    return re.sub(r'(SPEC_SHA256 = ".*"|# sealed by .*)', "", source)


# -- growth -----------------------------------------------------------------------------------------------------------

FAMILY = """edition 1
use std.blocks

model net() {{
  input [3, H, W] = [3, 32, 32]
  stem = conv({width}, kernel=3) |> norm |> act
{stages}
  head = global_avg_pool |> fc: linear(10)
}}
"""
PLANS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=3)


def family(plan: list[tuple[int, int, int]], block: str) -> Trial:
    """Stages of so many blocks, of so many channels, with that stride."""
    stages = "\n".join(
        f"  stage layer{i} = {count} of {block}({width}, stride={stride})"
        for i, (count, width, stride) in enumerate(plan, 1)
    )
    (trial,) = trials(FAMILY.format(width=plan[0][1], stages=stages))
    return trial


BLOCKS = ("blocks.basic", "blocks.bottleneck", "blocks.preact_basic", "blocks.bottleneck_v1")
GROWTH: dict[str, Callable[[tuple[int, int, int]], tuple[int, int, int]]] = {
    "deeper": lambda stage: (stage[0] + 1, *stage[1:]),
    "wider": lambda stage: (stage[0], 2 * stage[1], stage[2]),
    "finer": lambda stage: (stage[0], stage[1], max(stage[2] - 1, min(stage[2], 2))),
}


@pytest.mark.parametrize("how", GROWTH)
@settings(max_examples=15, suppress_health_check=SLOW)
@given(plan=PLANS, block=st.sampled_from(BLOCKS), data=st.data())
def test_a_larger_network_costs_no_less(how: str, plan: list[Any], block: str, data: st.DataObject) -> None:
    """More blocks or channels never lower parameters or multiply-adds; a smaller stride never lowers the latter.

    (From 2 to 1 a projection may become an identity: that is another network.)
    """
    i = data.draw(st.integers(0, len(plan) - 1))
    if how == "wider":
        grown = [GROWTH[how](stage) for stage in plan]
    else:
        grown = [*plan[:i], GROWTH[how](plan[i]), *plan[i + 1 :]]
    one, other = family(plan, block), family(grown, block)
    assert how == "finer" or one.measures.parameters <= other.measures.parameters
    for sizes in ((1, 1), (7, 32), (33, 33)):
        assert one.measures.count_multiply_adds(sizes) <= other.measures.count_multiply_adds(sizes)


@settings(max_examples=15, suppress_health_check=SLOW)
@given(plan=PLANS, block=st.sampled_from(BLOCKS))
def test_cost_is_affine_in_the_number_of_blocks(plan: list[tuple[int, int, int]], block: str) -> None:
    nets = [family([*plan[:-1], (count, *plan[-1][1:])], block) for count in (2, 3, 4)]
    for figure in (lambda t: t.measures.parameters, lambda t: t.measures.count_multiply_adds((32, 32))):
        two, three, four = map(figure, nets)
        assert four - three == three - two


def test_faults_of_names_are_told_before_sizes():
    with pytest.raises(SpecRefused, match="E0201"):
        trials("edition 1\nmodel net() {\n  input [3, H] = [3, 9]\n  stem = nowhere\n  head = identity\n}\n")
