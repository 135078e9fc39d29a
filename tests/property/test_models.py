"""Random residual networks against torch: accepted sizes, shapes, state dicts, multiply-adds, single images.

Two-sided: a size is accepted exactly when the real module runs at it and both operands of every `+` had equal shapes
while it ran; torch itself would broadcast.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from resnetc.compiler.codegen import anti_unification
from resnetc.compiler.codegen.torch_modules import COLUMNS, module_name
from resnetc.compiler.ir.network import Leaf
from resnetc.compiler.proof.size_errors import suggest_condition
from resnetc.grammar.primitives import PRIMITIVES
from resnetc.testing import (
    CALLS,
    Item,
    Trial,
    assert_network_agrees,
    assert_shapes_agree,
    blocks,
    calls,
    input_sizes,
    models,
    reference_interpreter,
    shortcuts,
    trials,
)
from resnetc.testing.strategies.primitives import mentioned, shape_keeping
from resnetc.testing.strategies.sizes import size_choices
from resnetc.testing.torch_module import run

MODELS, SIZES = 500, 10
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@pytest.fixture(autouse=True, scope="module")
def small_convolutions():
    """One thread, and no oneDNN: it compiles a convolution for every new shape, longer than a small one runs."""
    threads, (compiled, *_) = torch.get_num_threads(), torch.backends.mkldnn.set_flags(False)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.backends.mkldnn.set_flags(compiled)


def test_two_thousand_pairs_of_models_and_sizes():
    """Each pair once, the values of every other model. In `make test` they are the same ones every time: whether a
    change is at fault must not hang on what is drawn. `make fuzz` draws others, ten times as many.
    """
    seen: dict[tuple[str, str, tuple[int, ...]], bool] = {}
    known: dict[str, list[Trial]] = {}

    @settings(max_examples=MODELS, suppress_health_check=SLOW)
    @given(models(), st.data())
    def agrees(text: str, data: st.DataObject) -> None:
        fresh = text not in known
        if fresh:
            known[text] = trials(text)
        for trial in known[text]:
            choice = input_sizes(trial.network, trial.accepted)
            sizes = dict.fromkeys(data.draw(choice, label="sizes") for _ in range(SIZES))
            if fresh:
                assert_network_agrees(trial, sizes, values=len(known) % 2 == 0)
            for size in sizes:
                pair = (text, trial.network.name, size)
                if pair not in seen:
                    seen[pair] = trial.accepts(size) if fresh else assert_shapes_agree(trial, size)

    agrees()
    accepted = sum(seen.values())
    print(f"{len(known)} models, {len(seen)} pairs, {accepted} accepted")
    assert len(known) >= MODELS // 2
    assert len(seen) >= 2000
    assert 4 * accepted >= len(seen) and 4 * (len(seen) - accepted) >= len(seen)


STAGES = "\n".join(
    f"  stage layer{i} = 1 of {{block}}({width}, stride={stride})" for i, (_, width, stride) in enumerate(CALLS)
)
MODEL = f"""model net() {{{{
{{settings}}  input [3, {{axes}}] = [3, {{sizes}}]
  stem = identity
{STAGES}
  head = identity
}}}}"""


def around(item: Item, block: str, dimensions: int, settings: str = "") -> str:
    """A file with a model that uses a block everywhere that it was drawn for."""
    axes = ["D", "H", "W"][3 - dimensions :]
    model = MODEL.format(block=block, settings=settings, axes=", ".join(axes), sizes=", ".join(["20"] * dimensions))
    return item.file(model)


@settings(max_examples=25, suppress_health_check=SLOW)
@given(st.integers(1, 3), st.data())
def test_a_block_stands_wherever_it_was_drawn_for(dimensions: int, data: st.DataObject) -> None:
    item = data.draw(blocks(dimensions))
    for trial in trials(around(item, item.name, dimensions)):
        assert_network_agrees(trial, [data.draw(input_sizes(trial.network, trial.accepted))])


BASIC = """block basic(width: int, first stride: size = 1) {
  out = (in |> conv(width, kernel=3, stride=stride) |> norm |> act) + (in |> shortcut(width, stride))
}"""


@settings(max_examples=25, suppress_health_check=SLOW)
@given(st.integers(1, 3), st.data())
def test_a_shortcut_fits_any_block(dimensions: int, data: st.DataObject) -> None:
    item = data.draw(shortcuts(dimensions))
    whole = Item(item.name, f"{item.text}\n\n{BASIC}", item.uses)
    for trial in trials(around(whole, "basic", dimensions, f"  set shortcut = {item.name}\n")):
        assert_network_agrees(trial, [data.draw(input_sizes(trial.network, trial.accepted))])


@settings(max_examples=60, suppress_health_check=SLOW)
@given(models(declared="when {}"), st.data())
def test_the_declaration_for_the_accepted_sizes_is_taken(text: str, data: st.DataObject) -> None:
    """What `when` the compiler offers, put behind the input, leaves no fault but that of the declared size itself."""
    (trial,) = trials(text.replace(" when {}", ""))
    line = suggest_condition(trial.network, trial.accepted)
    if not line or any(axis.is_empty for axis in trial.accepted.axes):
        return
    (declared,) = trials(text.replace("when {}", line))
    assert [d.code for d in declared.refusals if d.code not in ("E0333", "E0320")] == []
    assert_shapes_agree(declared, data.draw(input_sizes(declared.network, declared.accepted)))


@settings(max_examples=60, suppress_health_check=SLOW)
@given(models())
def test_the_least_accepted_size_runs_and_one_below_it_does_not(text: str) -> None:
    """Axis by axis, the others at their least."""
    for trial in trials(text):
        least = tuple(axis.min or 0 for axis in trial.accepted.axes)
        if not all(least) or max(least) > 100:
            continue
        assert assert_shapes_agree(trial, least)
        for axis, symbol in enumerate(trial.network.input.symbols):
            if symbol is not None and least[axis] > 1:
                assert not assert_shapes_agree(trial, (*least[:axis], least[axis] - 1, *least[axis + 1 :]))


DRAWN, FLOOR = 300, 12


def rarely_drawn(texts: list[str]) -> dict[str, int]:
    """The primitives of the table that fewer models name than the floor; nothing here names an operation."""
    count = Counter(name for text in texts for name in mentioned(text))
    return {name: count[name] for name in PRIMITIVES if count[name] < FLOOR}


def test_every_primitive_is_drawn_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is added to the table later: where no strategy draws it, this fails."""
    texts: list[str] = []

    @settings(max_examples=DRAWN, suppress_health_check=SLOW, database=None, derandomize=True, phases=[Phase.generate])
    @given(models())
    def note(text: str) -> None:
        texts.append(text)

    note()
    assert len(texts) == DRAWN
    assert rarely_drawn(texts) == {}
    monkeypatch.setitem(PRIMITIVES, "fold", replace(PRIMITIVES["reshape"], name="fold"))
    assert rarely_drawn(texts) == {"fold": 0}


def test_a_primitive_that_is_added_to_the_table_is_fuzzed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row, and how it is written in torch, are all there is to it: no strategy and no assertion knows of it."""
    added = {"selu": ("silu", "nn.SELU"), "peak_pool": ("max_pool", "nn.MaxPool{r}d")}
    for name, (like, _) in added.items():
        monkeypatch.setitem(PRIMITIVES, name, replace(PRIMITIVES[like], name=name))
    monkeypatch.setitem(COLUMNS, "peak_pool", COLUMNS["max_pool"])

    def written(leaf: Leaf) -> str:
        known = added.get(leaf.primitive.name)
        return known[1].format(r=leaf.shape_in.rank) if known else module_name(leaf)

    monkeypatch.setattr(anti_unification, "module_name", written)
    monkeypatch.setattr(reference_interpreter, "module_name", written)
    monkeypatch.setattr(calls, "module_name", written)
    shape_keeping.cache_clear()
    tried: dict[str, int] = dict.fromkeys(added, 0)

    @settings(max_examples=80, suppress_health_check=SLOW, database=None, derandomize=False)
    @given(models(depth=2), st.integers(0, 2**32))  # all that is drawn, whether the model is tried or not
    def agrees(text: str, number: int) -> None:
        present = [name for name in added if re.search(rf"\b{name}\b", text)]
        if present and min(tried[name] for name in present) < 2:
            for trial in trials(text):
                sizes = size_choices(trial.network, trial.accepted).pick(Random(number))
                accepted = assert_network_agrees(trial, [sizes])
                for name in present:
                    tried[name] += accepted

    try:
        for _ in range(5):
            agrees()
            if all(tried.values()):
                break
    finally:
        shape_keeping.cache_clear()
    assert all(tried.values()), tried


def test_the_watch_sees_what_torch_lets_pass():
    """Both sides of the addition are 1 and 2 wide at H = 5: torch says nothing, the watch does."""
    text = """edition 1
block unit() {
  let main = in |> plain_conv(4, kernel=3, stride=4)
  out = main + (in |> plain_conv(4, kernel=4, stride=4, padding=0))
}
model net() {
  input [4, H, W] = [4, 8, 8]
  stem = unit
  head = identity
}
"""
    (trial,) = trials(text)
    assert run(trial.source, trial.network, (8, 8)).refusal is None
    assert run(trial.source, trial.network, (5, 8)).refusal == "torch broadcasts [2, 4, 2, 2] + [2, 4, 1, 2]"
    assert trial.accepts((8, 8)) and not trial.accepts((5, 8))
