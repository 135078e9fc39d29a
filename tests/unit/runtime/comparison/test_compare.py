"""Several networks side by side: what is trained, what is read, what the table and the command line say."""

import argparse
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from resnetc.cli import common, compare
from resnetc.cli.compare import NetworkArgument
from resnetc.runtime import progress
from resnetc.runtime.comparison import compare as runtime_compare
from resnetc.runtime.comparison import plots
from resnetc.runtime.comparison.arm import Arm
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.recipe.recipe import Recipe

PLAIN = ("y + self.downsample(x)", "y")


@pytest.fixture(scope="module")
def arms(source: str) -> list[Arm]:
    """The small network with and without its shortcuts."""
    assert PLAIN[0] in source
    return [Arm("residual", "small", source), Arm("plain", "small_plain", source.replace(*PLAIN))]


def times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".ckpt", ".jsonl")}


def test_rows_tell_what_the_runs_hold(arms: list[Arm], few: Data, quick: Recipe, tmp_path: Path) -> None:
    rows = runtime_compare.train_arms(arms, few, quick, [3, 4], tmp_path, quiet=True)
    assert [row.label for row in rows] == ["residual", "plain"]
    for row in rows:
        lasts = [
            json.loads((tmp_path / row.label / f"seed{seed}" / "metrics.jsonl").read_text().splitlines()[-1])
            for seed in (3, 4)
        ]
        assert [run.seed for run in row.runs] == [3, 4]
        assert row.mean("train_loss") == pytest.approx(sum(last["train_loss"] for last in lasts) / 2)
        assert row.worst("top1") == min(last["top1"] for last in lasts)
    assert runtime_compare.list_differences(rows) == []
    text = runtime_compare.format_table(rows)
    assert text.splitlines()[0].split()[:2] == ["network", "parameters"]
    assert f"{rows[1].worst('top1'):.2f} %" in text
    paths = plots.draw(rows, tmp_path)
    assert [path.name for path in paths] == ["curves.png", "curves.svg"]
    first = paths[1].read_bytes()
    plots.draw(rows, tmp_path)
    assert paths[1].read_bytes() == first


def test_a_finished_run_is_read_and_a_stopped_one_goes_on(
    arms: list[Arm], few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = runtime_compare.train_arms(arms, few, quick, [0], tmp_path / "whole", quiet=True)
    seen: list[int] = []

    def step(self: progress.Progress, step: int, epoch: int) -> None:
        seen.append(step)
        if len(seen) == 12 + 6:
            signal.raise_signal(signal.SIGTERM)

    out = tmp_path / "parts"
    with monkeypatch.context() as patch:
        patch.setattr(progress.Silent, "step", step)
        with pytest.raises(Stopped):
            runtime_compare.train_arms(arms, few, quick, [0], out, quiet=True)
        rows = runtime_compare.train_arms(arms, few, quick, [0], out, quiet=True)
    assert len(seen) == 24  # 12 steps a run: not one of them twice
    assert [row.mean("test_loss") for row in rows] == [row.mean("test_loss") for row in whole]
    before = times(out)
    runtime_compare.train_arms(arms, few, quick, [0], out, quiet=True)
    assert {path: json.dumps(path.stat().st_size) for path in before} == {
        path: json.dumps(path.stat().st_size) for path in times(out)
    }
    with pytest.raises(RunError, match="`learning_rate` was 0.1 in that run and is now 0.2"):
        runtime_compare.train_arms(arms, few, replace(quick, learning_rate=0.2), [0], out, quiet=True)


def test_an_unfinished_run_is_not_read(
    arms: list[Arm], few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress.Silent, "step", lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Stopped):
        runtime_compare.train_arms(arms[:1], few, quick, [0], tmp_path, quiet=True)
    with pytest.raises(RunError, match="not finished: 0 of 3 epochs; continue with `train --resume --out"):
        runtime_compare.read_runs([tmp_path / "residual" / "seed0"])


def test_what_differs_between_runs_is_said(arms: list[Arm], few: Data, quick: Recipe, tmp_path: Path) -> None:
    one = runtime_compare.train_arms(arms[:1], few, quick, [0], tmp_path / "one", quiet=True)
    two = runtime_compare.train_arms(arms[:1], few, replace(quick, epochs=1), [0, 1], tmp_path / "two", quiet=True)
    assert runtime_compare.list_differences([*one, *two]) == [
        "`epochs` differs between the runs: 3, 1",
        "the seeds differ between the networks: 0; 0 1",
    ]


def test_runs_that_differ_in_the_seed_alone_are_one_network(
    arms: list[Arm], few: Data, quick: Recipe, tmp_path: Path
) -> None:
    short = replace(quick, epochs=1)
    runtime_compare.train_arms(arms, few, short, [0, 1], tmp_path, quiet=True)
    runtime_compare.train_arms(
        arms[:1], few, replace(short, random_crop_padding=0), [0], tmp_path / "uncropped", quiet=True
    )
    residual, plain = ([str(tmp_path / arm.label / f"seed{seed}") for seed in (0, 1)] for arm in arms)
    other = str(tmp_path / "uncropped" / "residual" / "seed0")
    given = [residual[1], plain[0], other, residual[0], plain[1], residual[0]]
    assert runtime_compare.group_by_seed(given) == [[residual[1], residual[0]], plain, [other], [residual[0]]]


# -- the command line -------------------------------------------------------------------------------------------------


def parsed(*arguments: str) -> argparse.Namespace:
    """The options of `compare` as its parser leaves them for the command."""
    top = argparse.ArgumentParser(prog="resnetc")
    commands = top.add_subparsers()

    def command(
        name: str, run: Callable[[argparse.Namespace], int], help: str, example: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name)
        made.set_defaults(run=run)
        return made

    compare.add_commands(command, common.add_selection_options)
    return top.parse_args(["compare", *arguments])


def test_a_set_belongs_to_the_spec_before_it() -> None:
    options = parsed(
        *"--set width=8 --data npz:x a --set depth=20 --seeds 1,2 b c --set width=4 --model m --out d".split()
    )
    assert compare.parse_networks(options) == [
        NetworkArgument("a", None, (("width", "8"), ("depth", "20")), True),
        NetworkArgument("b", None, (("width", "8"),), False),
        NetworkArgument("c", "m", (("width", "4"),), True),
    ]
    assert (options.data, options.seeds, options.out) == ("npz:x", [1, 2], "d")


def test_what_stands_before_the_first_spec_is_for_all() -> None:
    options = parsed("--model", "m", "--set", "depth=8", "a", "b", "--override", "epochs=1")
    assert compare.parse_networks(options) == [NetworkArgument(name, "m", (("depth", "8"),), False) for name in "ab"]
    assert options.override == ["epochs=1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a SPEC or the folder of a run"),
        (("digits", "--bogus"), "unrecognized arguments: --bogus"),
        (("--seeds", "1,x", "digits"), "write them as 0,1,2"),
        (("digits", "--set", "depth"), "write --set depth=VALUE"),
    ],
)
def test_a_wrong_command_line_ends_in_status_2(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        options = parsed(*arguments)
        assert options.run(options) == 2
    except SystemExit as stop:
        assert stop.code == 2
    assert message in capsys.readouterr().err


def test_specs_and_runs_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ["--override", "epochs=1", "--out", str(tmp_path / "one")]
    options = parsed("digits", *common, "cifar/resnet", "--set", "depth=8", "--set", "shortcut=none")
    assert options.run(options) == 0
    printed = capsys.readouterr()
    rows = [line.split()[:3] for line in printed.out.splitlines()[2:4]]
    plain = "cifar_depth8_channels1_shortcut_none"
    assert rows == [["digits", "75,002", "747,136"], [plain, "75,002", "747,136"]]
    assert "curves: " in printed.out
    assert (tmp_path / "one" / plain / "seed0" / "report.html").is_file()
    run = str(tmp_path / "one" / "digits" / "seed0")
    options = parsed(run, "digits", *common[:2], "--out", str(tmp_path / "one"))
    assert options.run(options) == 0
    printed = capsys.readouterr()
    names = [line.split()[0] for line in printed.out.splitlines()[2:4]]
    assert names == ["digits", "digits"] and "(digits)" in printed.out
    assert "epoch" not in printed.err.replace("epochs=", "")  # nothing was trained again
    second = parsed("digits", "--override", "epochs=1", "--seeds", "1", "--out", str(tmp_path / "one"))
    assert second.run(second) == 0
    capsys.readouterr()
    both = parsed(run, str(tmp_path / "one" / "digits" / "seed1"), run, "--out", str(tmp_path / "both"))
    assert both.run(both) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[:1] for row in rows] == [["digits"], [], ["curves:"]]
    assert rows[0][-2] == "2"
    with monkeypatch.context() as patch:
        patch.setenv("TORCHELASTIC_RUN_ID", "x")
        options = parsed(run)
        with pytest.raises(Exception, match="compare runs in one process"):
            options.run(options)
    options = parsed(run, "--set", "depth=8")
    with pytest.raises(Exception, match="--set and --model need a spec"):
        options.run(options)
    options = parsed("digits", "digits", *common)
    with pytest.raises(Exception, match="digits occurs twice"):
        options.run(options)
