"""Training: it learns, it leaves the run folder, it refuses what does not fit."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from resnetc.cli.main import main
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.model import loader
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train

FIRST = "x = self.relu(self.bn1(self.conv1(x)))"
FIELDS = ["epoch", "step", "train_loss", "curve", "test_loss", "top1", "top5", "lr", "images_per_second"]
FIELDS += ["data_seconds", "compute_seconds", "seconds", "split"]


def test_the_digits_are_learnt(source: str, digits: Data, tmp_path: Path) -> None:
    short = recipe_file.load("digits", ["epochs=4", "label_smoothing=0"])
    result = train(source, "digits", digits, short, tmp_path / "run", quiet=True)
    assert result.top1 >= 90
    assert result.steps == 4 * (1437 // 64)
    assert result.best_top1 >= result.top1


def test_the_run_folder(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    result = train(source, "small", few, quick, out, quiet=True)
    names = sorted(entry.name for entry in out.iterdir())
    assert names == [
        "best.safetensors",
        "last.ckpt",
        "metrics.jsonl",
        "model.py",
        "preprocessing.json",
        "previous.ckpt",
        "recipe.yaml",
        "report.html",
    ]
    assert (out / "model.py").read_text() == source
    assert recipe_file.load(str(out / "recipe.yaml")) == quick
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [FIELDS] * 3
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 4), (2, 8), (3, 12)]
    assert result.top1 == lines[-1]["top1"]
    for line in lines:  # four steps an epoch: each is a part of its own
        assert len(line["curve"]) == 4
        assert sum(line["curve"]) / 4 == pytest.approx(line["train_loss"], abs=1e-6)
    assert result.best_top1 == max(line["top1"] for line in lines)
    assert all(0 <= line["top1"] <= line["top5"] <= 100 for line in lines)


def test_the_best_weights_load_into_the_plain_network(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    train(source, "small", few, quick, tmp_path / "run", quiet=True)
    model = loader.build_network(source, Path("small.py"), torch.device("cpu"))
    fresh = model.conv1.weight.clone()
    model.load_state_dict(load_file(tmp_path / "run" / "best.safetensors"), strict=True)
    assert not torch.equal(model.conv1.weight, fresh)


def test_nothing_is_left_of_a_run_that_does_not_start(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(RunError, match="no `build`"):
        train("x = 1\n", "small", few, quick, out, quiet=True)
    with pytest.raises(RunError, match=r"small\.py:2:5: not Python: "):
        train("\nx = = 1\n", "small", few, quick, out, quiet=True)
    with pytest.raises(RunError, match="fails to build its network: ZeroDivisionError"):
        train("INPUT_SHAPE = ()\ndef build():\n    return 1 / 0\n", "small", few, quick, out, quiet=True)
    with pytest.raises(RunError, match=r"returns int, not a torch\.nn\.Module"):
        train("INPUT_SHAPE = ()\ndef build():\n    return 1\n", "small", few, quick, out, quiet=True)
    assert not out.exists()


def test_a_folder_in_use_is_left_alone(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    train(source, "small", few, quick, out, quiet=True)
    before = {entry.name: entry.read_bytes() for entry in out.iterdir()}
    with pytest.raises(RunError, match="already contains a run: add --resume"):
        train(source, "small", few, quick, out, quiet=True)
    assert {entry.name: entry.read_bytes() for entry in out.iterdir()} == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(RunError, match=r"not empty \(it contains thesis\.tex\)"):
        train(source, "small", few, quick, tmp_path / "other", quiet=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot use it as a run folder: File exists"):
        train(source, "small", few, quick, tmp_path / "file", quiet=True)


def test_what_a_start_leaves_that_was_killed_is_no_run(
    source: str, few: Data, quick: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    for name in ("recipe.yaml", "preprocessing.json", "metrics.jsonl", "model.py", "recipe.yaml.tmp", "last.ckpt.tmp"):
        (out / name).write_text("half a fi")
    assert main(["train", "digits", "--out", str(out), "--resume"]) == 1
    assert "this run ended before its first checkpoint: start it again without --resume" in capsys.readouterr().err
    train(source, "small", few, quick, out, quiet=True)
    assert (out / "model.py").read_text() == source
    assert not list(out.glob("*.tmp"))


def test_equal_seeds_give_equal_weights_and_others_do_not(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        torch.rand(3)  # what was drawn before must not matter
        train(source, "small", few, replace(quick, seed=seed), tmp_path / name, quiet=True)
    a, b, c = (checkpoint.load(tmp_path / name / "last.ckpt")[0] for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not torch.equal(a["model/conv1.weight"], c["model/conv1.weight"])


def test_a_loss_that_is_no_number_stops_the_run_at_its_step(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    wild = replace(
        quick, learning_rate=1e3, warmup=0.0, schedule="constant", max_grad_norm=0.0, momentum=0.9999, epochs=50
    )
    poisoned = source.replace("x = self.relu(self.bn1(self.conv1(x)))", POISON)
    assert poisoned != source
    with pytest.raises(RunError, match="not finite at step 7 .*--override max_grad_norm=1"):
        train(poisoned, "small", few, replace(wild, learning_rate=0.1, momentum=0.9), tmp_path / "run", quiet=True)
    tensors, facts = checkpoint.load(tmp_path / "run" / "last.ckpt")
    assert facts["step"] == 4  # the end of the first epoch
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 1


def test_the_weights_are_left_alone_by_a_loss_that_is_no_number(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = []
    monkeypatch.setattr(torch.optim.SGD, "step", lambda self: updates.append(self))
    with pytest.raises(RunError, match="not finite at step 7 "):
        train(source.replace(FIRST, POISON), "small", few, quick, tmp_path / "run", quiet=True)
    assert len(updates) == 6


def test_out_of_memory_is_one_message(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    greedy = source.replace(FIRST, f"torch.empty(1 << 55) if self.training else x\n        {FIRST}")
    with pytest.raises(
        RunError, match=r"^out of memory: .*allocate .*; .*--override batch_size=12 .*checkpointing=true$"
    ):
        train(greedy, "small", few, quick, tmp_path / "run", quiet=True)


def test_deterministic_kernels_are_on_inside_and_as_before_outside(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    asking = source.replace("x = self.relu(self.bn1(self.conv1(x)))", "assert WANTED\n        " + FIRST)
    for wanted in (True, False):
        text = asking.replace(
            "WANTED", f"torch.are_deterministic_algorithms_enabled() == {wanted} or not self.training"
        )
        train(text, "small", few, replace(quick, deterministic=wanted), tmp_path / str(wanted), quiet=True)
        assert not torch.are_deterministic_algorithms_enabled()


def test_the_recipe_says_how_many_threads(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    for wanted in (before + 1, 0):
        text = source.replace(FIRST, f"assert torch.get_num_threads() == {wanted or before}\n        {FIRST}")
        train(text, "small", few, replace(quick, threads=wanted, epochs=1), tmp_path / str(wanted), quiet=True)
        assert torch.get_num_threads() == before


POISON = """self.seen = getattr(self, "seen", 0) + self.training
        x = self.relu(self.bn1(self.conv1(x))) * (float("nan") if self.seen == 7 else 1.0)"""


def test_a_test_loss_that_is_no_number_is_neither_written_nor_kept(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    out, wrong = tmp_path / "run", "x = self.relu(self.bn1(self.conv1(x))) * (1.0 if self.training else SCALE)"
    late = source.replace("x = self.relu(self.bn1(self.conv1(x)))", wrong).replace("SCALE", 'float("inf")')
    with pytest.raises(RunError, match="the test loss is not finite after step 4"):
        train(late, "small", few, quick, out, quiet=True)
    assert not (out / "best.safetensors").exists()
    assert (out / "metrics.jsonl").read_text() == ""


def test_weights_that_are_no_numbers_are_not_saved(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    broken = source.replace('"""The network with fresh weights."""', BROKEN)
    assert broken != source
    with pytest.raises(RunError, match=r"last\.ckpt: not saved: model/unused is not finite after step 0"):
        train(broken, "small", few, quick, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "last.ckpt").exists()
    train(
        source, "small", few, replace(quick, epochs=1), tmp_path / "run", quiet=True
    )  # what never began is no obstacle


def test_statistics_that_are_no_numbers_are_not_kept_as_the_best(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    # The losses stay numbers: in training a norm takes the batch's statistics, and a variance without end makes zeros.
    lost = f"if self.training:\n            self.bn1.running_var.fill_(float('inf'))\n        {FIRST}"
    with pytest.raises(RunError, match=r"best\.safetensors: not saved: bn1\.running_var is not finite"):
        train(source.replace(FIRST, lost), "small", few, replace(quick, ema_decay=0.0), tmp_path / "run", quiet=True)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "last.ckpt",
        "metrics.jsonl",
        "model.py",
        "preprocessing.json",
        "recipe.yaml",
    ]
    assert checkpoint.load(tmp_path / "run" / "last.ckpt")[1]["step"] == 0


BROKEN = """model = Digits()
    model.register_buffer("unused", torch.tensor(float("inf")))
    return model
"""


@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "last.ckpt"
    checkpoint.save(path, {"a": torch.ones(3)}, {"step": 1})

    def fail(*arguments: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, failing, fail)
        with pytest.raises(RunError, match=r"last\.ckpt: cannot write [0-9,]+ bytes: Input/output error"):
            checkpoint.save(path, {"a": torch.zeros(3)}, {"step": 2})
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]
    tensors, facts = checkpoint.load(path)
    assert (tensors["a"].tolist(), facts) == ([1.0, 1.0, 1.0], {"step": 1})


def test_a_checkpoint_may_be_saved_over_itself(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    given = {"a": torch.arange(6.0).view(2, 3).t(), "b": torch.tensor(3), "c": torch.zeros(0)}
    checkpoint.save(path, given, {"step": 1})
    checkpoint.save(path, *checkpoint.load(path))
    tensors, facts = checkpoint.load(path)
    assert facts == {"step": 1}
    assert sorted(tensors) == ["a", "b", "c"]
    assert all(torch.equal(tensors[name], given[name]) for name in given)


def test_a_full_disk_is_one_message(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits of file sizes are POSIX's")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))  # Python ignores the signal, and sees an error
    try:
        with pytest.raises(RunError, match=r"last\.ckpt: cannot write [0-9,]+ bytes: File too large"):
            checkpoint.save(tmp_path / "last.ckpt", {"a": torch.zeros(1000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["last.ckpt.tmp", "previous.ckpt.tmp", "previous.ckpt"])
def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path, name: str) -> None:
    victim, last = tmp_path / "victim", tmp_path / "last.ckpt"
    victim.write_text("mine")
    checkpoint.save(last, {"a": torch.zeros(3)}, {})
    (tmp_path / name).symlink_to(victim)
    checkpoint.save(last, {"a": torch.ones(3)}, {}, tmp_path / "previous.ckpt")
    assert victim.read_text() == "mine"
    assert not any(path.is_symlink() for path in tmp_path.iterdir())
    assert [float(checkpoint.load(tmp_path / name)[0]["a"].sum()) for name in ("last.ckpt", "previous.ckpt")] == [3, 0]


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt.tmp").mkdir()
    with pytest.raises(RunError, match=r"last\.ckpt\.tmp: a folder is in the way of a file: remove it"):
        checkpoint.save(tmp_path / "last.ckpt", {"a": torch.zeros(3)}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt.tmp"]


def test_without_hard_links_the_state_before_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **keywords: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(checkpoint.os, "link", refuse)
    last, previous = tmp_path / "last.ckpt", tmp_path / "previous.ckpt"
    for step in range(3):
        checkpoint.save(last, {"a": torch.zeros(3)}, {"step": step}, previous)
    assert [checkpoint.load(path)[1]["step"] for path in (last, previous)] == [2, 1]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_state_that_cannot_be_read_back_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last, previous = tmp_path / "last.ckpt", tmp_path / "previous.ckpt"
    checkpoint.save(last, {"a": torch.zeros(3)}, {"step": 1}, previous)
    serialize = checkpoint.serialize
    monkeypatch.setattr(checkpoint, "serialize", lambda *given: serialize(*given)[:-1] + b"!")
    with pytest.raises(RunError, match=r"last\.ckpt\.tmp: damaged"):
        checkpoint.save(last, {"a": torch.ones(3)}, {"step": 2}, previous)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
    assert checkpoint.load(last)[1] == {"step": 1}
