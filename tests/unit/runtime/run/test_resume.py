"""A stopped and resumed run ends with the weights, the memory and the metrics of one that was never stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import resnetc
from resnetc.cli.main import main
from resnetc.runtime import progress
from resnetc.runtime.data import Data, load, parse_argument
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train

DROPOUT = ("self.fc(torch.flatten(x.mean((2, 3)), 1))", "self.fc(torch.dropout(x.mean((2, 3)), 0.3, self.training))")
TIMES = ("seconds", "images_per_second", "data_seconds", "compute_seconds")


@pytest.fixture(scope="module")
def noisy(source: str) -> str:
    """The small network with dropout: it draws from torch's own generator at every step."""
    assert DROPOUT[0] in source
    return source.replace(*DROPOUT)


def stopping(monkeypatch: pytest.MonkeyPatch, steps: Iterable[int], number: int) -> None:
    """Send this process the signal after each of the steps."""
    waiting = set(steps)

    def step(self: progress.Progress, step: int, epoch: int) -> None:
        if step in waiting:
            waiting.remove(step)
            signal.raise_signal(number)

    monkeypatch.setattr(progress.Silent, "step", step)


def assert_equal_runs(one: Path, other: Path) -> None:
    """Every tensor, every fact and every metric but the times."""
    for name in ("last.ckpt", "best.safetensors"):
        (tensors, facts), (others, other_facts) = checkpoint.load(one / name), checkpoint.load(other / name)
        assert list(tensors) == list(others)
        assert [key for key in tensors if not torch.equal(tensors[key], others[key])] == []
        for metadata in (facts, other_facts):
            assert isinstance(metadata["records"], list)
            for timed in (metadata, *metadata["records"]):
                for time in (*TIMES, "epoch_seconds"):
                    timed.pop(time, None)
        assert facts == other_facts
    records = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in (one, other)]
    for record in (*records[0], *records[1]):
        assert all(record.pop(time) > 0 for time in TIMES)
    assert records[0] == records[1]


EARLIER = {
    "batch_size": "batch",
    "eval_batch_size": "eval_batch",
    "activation_checkpointing": "recompute",
    "final_lr_ratio": "final",
    "random_crop_padding": "crop",
    "horizontal_flip": "flip",
    "max_grad_norm": "clip",
    "ema_decay": "ema",
}


def write_as_earlier(out: Path, number: int = 2) -> None:
    """Make a run folder one of format 3, whose states have no records, or of format 2, whose recipes had other keys."""
    tensors, facts = checkpoint.load(out / "last.ckpt")
    facts["format"] = number
    del facts["records"], facts["optimizer_tensors"], facts["preprocessing"]
    if number == 3:
        checkpoint.save(out / "last.ckpt", tensors, facts)
        return
    facts["recipe"] = {EARLIER.get(key, key): value for key, value in facts["recipe"].items()}
    checkpoint.save(out / "last.ckpt", tensors, facts)
    lines = [line.split(":", 1) for line in (out / "recipe.yaml").read_text().splitlines()]
    (out / "recipe.yaml").write_text("".join(f"{EARLIER.get(key, key)}:{rest}\n" for key, rest in lines))


def test_a_run_of_an_earlier_version_goes_on_to_the_very_weights(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "few.npz"
    images = {"train_images": few.train_images, "test_images": few.test_images}
    arrays = {name: tensor.permute(0, 2, 3, 1).numpy() for name, tensor in images.items()}
    np.savez(path, **arrays, train_labels=few.train_labels, test_labels=few.test_labels)
    data = load(*parse_argument(f"npz:{path}"))
    train(source, "model", data, quick, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stopping(patch, [6], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "model", data, quick, tmp_path / "run", quiet=True)
    write_as_earlier(tmp_path / "run")
    out = str(tmp_path / "run")
    assert main(["train", f"{out}/model.py", "--resume", "--out", out]) == 0
    facts = [checkpoint.load(folder / "last.ckpt")[1] for folder in (tmp_path / "whole", tmp_path / "run")]
    assert facts[0]["recipe"] == facts[1]["recipe"]
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
    write_as_earlier(tmp_path / "run")
    assert main(["eval", out, "--weights", "last"]) == 0


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_resumed_at_any_step_equals_uninterrupted(
    noisy: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    quick = replace(quick, optimizer=optimizer, learning_rate=0.1 if optimizer == "sgd" else 1e-2)
    train(noisy, "small", few, quick, tmp_path / "whole", quiet=True)
    for step in range(1, 13):  # 4, 8 and 12 are ends of epochs: the stop comes during the evaluation
        out = tmp_path / f"stopped-{step}"
        with monkeypatch.context() as patch:
            stopping(patch, [step], signal.SIGTERM)
            with pytest.raises(Stopped) as caught:
                train(noisy, "small", few, quick, out, quiet=True)
        assert (caught.value.step, caught.value.status) == (step, 75)
        train(noisy, "small", few, quick, out, resume=True, quiet=True)
        assert_equal_runs(tmp_path / "whole", out)


def test_stopped_at_every_step_in_turn(
    noisy: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(noisy, "small", few, quick, tmp_path / "whole", quiet=True)
    out = tmp_path / "stopped"
    stopping(monkeypatch, range(1, 13), signal.SIGINT)
    for step in range(1, 13):
        with pytest.raises(Stopped) as caught:
            train(noisy, "small", few, quick, out, resume=step > 1, quiet=True)
        assert (caught.value.step, caught.value.status) == (step, 130)
    train(noisy, "small", few, quick, out, resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", out)


SCRIPT = """
import sys
from pathlib import Path
from resnetc.runtime import data
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.errors import Stopped
from resnetc.runtime.train import train
module, out, *overrides = sys.argv[1:]
try:
    train(Path(module).read_text(), "small", data.load("digits"), recipe_file.load("digits", overrides), Path(out))
except Stopped as stopped:
    print(stopped, file=sys.stderr)
    sys.exit(stopped.status)
"""


def test_a_process_stopped_from_outside(source: str, digits: Data, tmp_path: Path) -> None:
    from resnetc.runtime.recipe import recipe_file

    module, out = tmp_path / "small.py", tmp_path / "run"
    module.write_text(source)
    path = os.pathsep.join([str(Path(resnetc.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(module), str(out), "epochs=400"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert process.stderr is not None
    lines = [process.stderr.readline() for _ in range(3)]  # the heading, then two epochs
    process.send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    assert process.wait() == 75
    assert lines[0] == "small: 400 epochs, 8800 steps of 64 images\n"
    assert lines[1].startswith("epoch   1/400  train loss ")
    assert f"saved in {out}: continue with resnetc train --resume --out {out}" in rest
    _, facts = checkpoint.load(out / "last.ckpt")
    assert facts["epochs"] >= 2
    with pytest.raises(RunError, match="`epochs` was 400 in that run and is now 401"):
        train(source, "small", digits, recipe_file.load("digits", ["epochs=401"]), out, resume=True, quiet=True)


def test_metrics_after_the_checkpoint_are_written_again(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(source, "small", few, quick, tmp_path / "whole", quiet=True)
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        stopping(patch, [6], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "small", few, quick, out, quiet=True)
    with open(
        out / "metrics.jsonl", "a"
    ) as file:  # as a run killed after this line and before its checkpoint leaves it
        file.write('{"epoch": 2, "step": 8}\n{"epoch": 3, "st')
    train(source, "small", few, quick, out, resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", out)


def test_a_finished_run_resumes_to_the_same_result(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    first = train(source, "small", few, quick, tmp_path / "run", quiet=True)
    assert train(source, "small", few, quick, tmp_path / "run", resume=True, quiet=True) == first


def test_resume_refuses_what_would_not_be_the_same_run(
    source: str, few: Data, digits: Data, quick: Recipe, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(source, "small", few, quick, out, quiet=True)
    with pytest.raises(RunError, match="`learning_rate` was 0.1 in that run and is now 0.2"):
        train(source, "small", few, replace(quick, learning_rate=0.2), out, resume=True, quiet=True)
    with pytest.raises(RunError, match=r"is a different network"):
        train(source + "# edited\n", "small", few, quick, out, resume=True, quiet=True)
    with pytest.raises(RunError, match=r"digits is not the data of that run \(npz:.*few\.npz\)"):
        train(source, "small", digits, quick, out, resume=True, quiet=True)
    with pytest.raises(RunError, match=r"last\.ckpt: no such file: this folder has no run to resume"):
        train(source, "small", few, quick, tmp_path / "nothing", resume=True, quiet=True)


def test_damage_of_a_checkpoint_is_seen(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(source, "small", few, quick, out, quiet=True)
    (out / "previous.ckpt").unlink()
    whole = (out / "last.ckpt").read_bytes()
    damaged = [whole[:cut] for cut in (0, 7, 100, len(whole) // 2, len(whole) - 1)]
    damaged += [whole[:-4096] + bytes(4096)]
    for place in (len(whole) // 3, len(whole) - 9):
        damaged.append(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
    for content in damaged:
        (out / "last.ckpt").write_bytes(content)
        with pytest.raises(RunError, match=r"last\.ckpt: damaged"):
            train(source, "small", few, quick, out, resume=True, quiet=True)


def test_a_pickle_is_never_opened(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(source, "small", few, quick, out, quiet=True)
    (out / "previous.ckpt").unlink()
    torch.save({"step": 3}, out / "last.ckpt")
    with pytest.raises(RunError, match=r"last\.ckpt: damaged, or not a checkpoint"):
        train(source, "small", few, quick, out, resume=True, quiet=True)


def test_the_command_line_resumes_with_the_recipe_and_the_data_of_the_run(
    source: str, few: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.py").write_text(source)
    parts = {
        name: getattr(few, name).numpy() for name in ("train_images", "train_labels", "test_images", "test_labels")
    }
    np.savez(tmp_path / "few.npz", **{k: v[:, 0] if v.ndim == 4 else v for k, v in parts.items()})
    begin = ["train", str(tmp_path / "small.py"), "--out", str(tmp_path / "run")]
    monkeypatch.setattr(progress, "choose_display", lambda *arguments, **_: progress.Silent())
    assert main([*begin, "--resume"]) == 1
    assert "run: no such folder; expected the folder of the run to resume" in capsys.readouterr().err
    assert main([*begin[:2], "--out", str(tmp_path / "small.py"), "--resume"]) == 1
    assert "small.py: a file, not a folder; expected the folder of the run to resume" in capsys.readouterr().err
    (tmp_path / "run").mkdir()
    assert main([*begin, "--resume"]) == 1
    assert "run: this folder has no run to resume" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        stopping(patch, [3], signal.SIGTERM)
        assert (
            main([*begin, f"--data=npz:{tmp_path / 'few.npz'}", "--override=epochs=2", "--override=batch_size=25"])
            == 75
        )
    assert main([*begin, "--resume"]) == 0
    assert "small: " in capsys.readouterr().out
    assert main([*begin, "--resume", "--data", "digits"]) == 1
    assert "digits is not the data of that run (npz:" in capsys.readouterr().err


def stop_after(step: int, monkeypatch: pytest.MonkeyPatch, out: Path, *arguments: object) -> None:
    """Train into `out` and stop after the step."""
    with monkeypatch.context() as patch:
        stopping(patch, [step], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(*arguments, out, quiet=True)  # type: ignore[arg-type]  # those of `train` before the folder


def flip_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "remove"])
def test_a_damaged_state_goes_on_from_the_one_before(
    source: str,
    few: Data,
    quick: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    damage: str,
) -> None:
    train(source, "small", few, quick, tmp_path / "whole", quiet=True)
    out = tmp_path / "run"
    stop_after(6, monkeypatch, out, source, "small", few, quick)
    last = out / "last.ckpt"
    if damage == "flip":
        flip_bit(last)
    elif damage == "remove":
        last.unlink()
    else:
        last.write_bytes(last.read_bytes()[: 100 if damage == "cut" else 0])
    train(source, "small", few, quick, out, resume=True)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert (
        len(told) == 1 and told[0].endswith("; continuing from previous.ckpt, after 4 steps") and "last.ckpt" in told[0]
    )
    assert_equal_runs(tmp_path / "whole", out)
    assert checkpoint.load(out / "previous.ckpt")[1]["step"] == 8


def test_a_damaged_state_never_takes_the_place_of_a_whole_one(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    stop_after(6, monkeypatch, out, source, "small", few, quick)
    flip_bit(out / "last.ckpt")
    with monkeypatch.context() as patch:
        stopping(patch, [5], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "small", few, quick, out, resume=True, quiet=True)
    assert [checkpoint.load(out / name)[1]["step"] for name in ("last.ckpt", "previous.ckpt")] == [5, 4]
    for name in ("last.ckpt", "previous.ckpt"):
        flip_bit(out / name)
    with pytest.raises(
        RunError, match=r"last\.ckpt: damaged.*the previous state is unusable too: .*previous\.ckpt: dam"
    ):
        train(source, "small", few, quick, out, resume=True, quiet=True)


@pytest.mark.parametrize("damage", ["remove", "empty", "double", "torn", "nonsense"])
def test_metrics_are_rebuilt_from_the_state(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    train(source, "small", few, quick, tmp_path / "whole", quiet=True)
    out = tmp_path / "run"
    stop_after(10, monkeypatch, out, source, "small", few, quick)
    metrics = out / "metrics.jsonl"
    text = metrics.read_text()
    if damage == "remove":
        metrics.unlink()
    else:
        metrics.write_text(
            {"empty": "", "double": text + text, "torn": text[:-9], "nonsense": '{"epoch": 1e999}\n'}[damage]
        )
    train(source, "small", few, quick, out, resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", out)


def test_metrics_of_a_state_without_records_are_missed(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(source, "small", few, quick, out, quiet=True)
    write_as_earlier(out, 3)
    lines = (out / "metrics.jsonl").read_text().splitlines(keepends=True)
    (out / "metrics.jsonl").write_text(lines[0] + lines[1])
    with pytest.raises(RunError, match=r"metrics\.jsonl: 2 of the 3 epochs that last\.ckpt has completed"):
        train(source, "small", few, quick, out, resume=True, quiet=True)


def test_metrics_that_go_in_the_middle_of_a_run_are_whole_at_its_end(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def step(self: progress.Progress, step: int, epoch: int) -> None:
        if step == 10:
            (out / "metrics.jsonl").unlink()

    monkeypatch.setattr(progress.Silent, "step", step)
    train(source, "small", few, quick, out, quiet=True)
    assert [json.loads(line)["epoch"] for line in (out / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3]


def change_step(facts: dict[str, object], tensors: dict[str, torch.Tensor]) -> None:
    facts["step"] = 11


CRAFTED = {
    "no step": (lambda facts, tensors: facts.pop("step"), "`step` is missing from its metadata"),
    "a step as text": (lambda facts, tensors: facts.update(step="six"), "`step` must be a number of steps, not six"),
    "a step too far": (change_step, r"11 steps after 1 epochs of 4 steps"),
    "epochs too many": (lambda facts, tensors: facts.update(epochs=9), "1 records of 9 epochs"),
    "epochs without end": (
        lambda facts, tensors: facts.update(epochs=1e999),
        "`epochs` must be a number of epochs, not inf",
    ),
    "no seconds": (lambda facts, tensors: facts.update(seconds=None), "`seconds` must be a number, not None"),
    "seconds without end": (
        lambda facts, tensors: facts.update(seconds=10**400),
        "`seconds` must be a number, not 1000",
    ),
    "a recipe as a list": (lambda facts, tensors: facts.update(recipe=[]), r"`recipe` must be a table, not \[\]"),
    "a recipe's text": (
        lambda facts, tensors: facts["recipe"].update(epochs="x"),
        "`epochs` must be a whole number, not `x`",
    ),
    "a recipe without a key": (lambda facts, tensors: facts["recipe"].update(milestones=3), "`milestones`"),
    "a best of text": (
        lambda facts, tensors: facts.update(best="1"),
        "`best` must be an epoch with its figures, not 1",
    ),
    "half a best": (lambda facts, tensors: facts.update(best={"epoch": 1}), "`best` must be an epoch"),
    "a shape of texts": (
        lambda facts, tensors: facts.update(shape=["a"]),
        "`shape` must be channels and one to three sizes",
    ),
    "an environment of lists": (lambda facts, tensors: facts.update(environment={"a": []}), "`environment` must be"),
    "records of texts": (lambda facts, tensors: facts.update(records=["x"]), "`records` must be the records"),
    "a format of tomorrow": (lambda facts, tensors: facts.update(format=99), "format 99, this resnetc reads format 5"),
    "no loss_sum": (lambda facts, tensors: tensors.pop("loss_sum"), r"no tensor `loss_sum` of shape \[\]"),
    "a long curve": (lambda facts, tensors: tensors.update(curve=torch.zeros(9)), r"no tensor `curve` of shape \[4\]"),
    "a tensor of another kind": (
        lambda facts, tensors: tensors.update({"foo/bar": torch.zeros(1)}),
        "a tensor `foo/bar`",
    ),
    "no weight": (
        lambda facts, tensors: tensors.pop(next(n for n in tensors if n.startswith("model/"))),
        "does not fit",
    ),
    "no memory": (
        lambda facts, tensors: tensors.pop(next(n for n in tensors if n.startswith("optimizer/"))),
        "tensors of the optimizer, not",
    ),
    "memory of nothing": (
        lambda facts, tensors: tensors.update(
            {"optimizer/x/momentum_buffer": tensors.pop(next(n for n in tensors if n.startswith("optimizer/")))}
        ),
        "does not fit the optimizer: no parameter `x`",
    ),
    "memory of another shape": (
        lambda facts, tensors: tensors.update(
            {next(n for n in tensors if n.startswith("optimizer/")): torch.zeros(5, 7)}
        ),
        r"does not fit the optimizer: .* has shape \[5, 7\]",
    ),
}


@pytest.mark.parametrize("craft", CRAFTED)
def test_a_crafted_state_is_refused_in_one_message(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, craft: str
) -> None:
    out = tmp_path / "run"
    stop_after(6, monkeypatch, out, source, "small", few, quick)
    (out / "previous.ckpt").unlink()
    tensors, facts = checkpoint.load(out / "last.ckpt")
    change, message = CRAFTED[craft]
    change(facts, tensors)  # type: ignore[no-untyped-call]
    checkpoint.save(out / "last.ckpt", tensors, facts)  # with a right SHA-256
    with pytest.raises(RunError, match=message) as caught:
        train(source, "small", few, quick, out, resume=True, quiet=True)
    assert "last.ckpt: " in str(caught.value)


def test_a_second_run_in_one_folder_is_refused(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    train(source, "small", few, quick, tmp_path / "whole", quiet=True)
    stop_after(6, monkeypatch, out, source, "small", few, quick)
    refused: list[RunError] = []

    def step(self: progress.Progress, step: int, epoch: int) -> None:
        if step == 8:
            monkeypatch.undo()
            with pytest.raises(RunError) as caught:
                train(source, "small", few, quick, out, resume=True, quiet=True)
            refused.append(caught.value)

    monkeypatch.setattr(progress.Silent, "step", step)
    train(source, "small", few, quick, out, resume=True, quiet=True)
    assert [fault.status for fault in refused] == [3]
    assert f"in use by a running process (process {os.getpid()} on " in str(refused[0])
    assert_equal_runs(tmp_path / "whole", out)
    assert not (out / "run.lock").exists()


def test_the_command_line_resumes_without_a_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "choose_display", lambda *arguments, **_: progress.Silent())
    with monkeypatch.context() as patch:
        stopping(patch, [3], signal.SIGTERM)
        assert main(["train", "digits", "--override", "epochs=1", "--out", "run"]) == 75
    assert "continue with resnetc train --resume --out run" in capsys.readouterr().err
    assert main(["train", "--resume", "--out", "run", "--set", "classes=3"]) == 2
    assert "--set and --model need a spec" in capsys.readouterr().err
    assert main(["train", "--resume", "--out", "run"]) == 0
    assert capsys.readouterr().out.startswith("digits: ")
    (tmp_path / "run" / "model.py").write_text("import os\n")
    assert main(["train", "--resume", "--out", "run"]) == 1
    assert "its model.py has changed since last.ckpt was written: name the SPEC" in capsys.readouterr().err
    assert main(["train", "--out", "other"]) == 2
    assert "SPEC is missing" in capsys.readouterr().err
