"""A failed assertion keeps the spec and says how to see the failure again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetc.testing import assert_diagnosed, assert_shapes_agree, assert_state_agrees, mutations, trials
from resnetc.testing.__main__ import main

TEXT = """edition 1

model net() {
  input [3, H, W] = [3, 9, 9]
  stem = conv(WIDTH, kernel=3) |> max_pool(2, stride=2, padding=0)
  head = identity
}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)


def again(error: BaseException) -> list[str]:
    """The words of the command in an error's note."""
    (note,) = (n for n in error.__notes__ if n.startswith("written to "))
    return shlex.split(note.partition("to replay: ")[2])


def test_the_smallest_spec_is_kept() -> None:
    """Hypothesis ends with it; the module is another one than the compiler speaks of."""

    @settings(max_examples=20, database=None, derandomize=True)
    @given(st.integers(3, 9))
    def wrong(width: int) -> None:
        (trial,) = trials(TEXT.replace("WIDTH", str(width)))
        assert_state_agrees(replace(trial, source=trial.source.replace("bias=False", "bias=True")))

    with pytest.raises(AssertionError, match="entry 2 of the state dict is `conv1.bias`") as failed:
        wrong()
    words = again(failed.value)
    kept = ".hypothesis/resnetc/test_the_smallest_spec_is_kept.resnet"
    assert words == ["python", "-m", "resnetc.testing", kept, "--model", "net"]
    assert Path(kept).read_text(encoding="utf-8") == TEXT.replace("WIDTH", "3")


def test_the_command_tries_the_same_input(capsys: pytest.CaptureFixture[str]) -> None:
    (trial,) = trials(TEXT.replace("WIDTH", "4"))
    wrong = replace(trial, source=trial.source.replace("MaxPool2d(2, 2)", "MaxPool2d(2, 1)"))
    with pytest.raises(AssertionError, match="net at 3x2: output") as failed:
        assert_shapes_agree(wrong, (3, 2), batch=3)
    words = again(failed.value)
    assert words[4:] == ["--model", "net", "--input", "3x3x2", "--batch", "3"]
    assert main(words[3:]) == 0  # what the compiler writes for the spec is right
    assert capsys.readouterr().out == "net: compiler and module accept 1 of 1 inputs and reject 0\n"


def test_a_network_that_is_refused_for_its_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    body = "edition 1\nblock b() {\n  out = (in |> max_pool(2, stride=2, padding=0)) + (in |> subsample(2))\n}\n"
    Path("refused.resnet").write_text(body + TEXT.partition("\n\n")[2].replace("conv(WIDTH, kernel=3)", "b"))
    assert trials(Path("refused.resnet").read_text())[0].refusals
    assert main(["refused.resnet", "--input", "3x5x4", "--input", "3x4x4", "--input", "3x1x1"]) == 0
    assert capsys.readouterr().out == "net: compiler and module accept 1 of 3 inputs and reject 2\n"


@pytest.mark.parametrize("text", [None, "no spec"])
def test_a_file_that_holds_no_spec(text: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    if text is None:
        with pytest.raises(SystemExit):
            main(["nothing.resnet"])
        assert "nothing.resnet" in capsys.readouterr().err
    else:
        Path("some.resnet").write_text(text)
        assert main(["some.resnet"]) == 1
        assert capsys.readouterr().err.startswith("E01")


def test_a_text_that_makes_the_compiler_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes | str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(mutations, "diagnostics_of", broken)
    with pytest.raises(ZeroDivisionError) as failed:
        assert_diagnosed(b"edition 1 \xff")
    kept = ".hypothesis/resnetc/test_a_text_that_makes_the_compiler_raise.resnet"
    assert again(failed.value) == ["resnetc", "check", kept]
    assert Path(kept).read_bytes() == b"edition 1 \xff"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "3x9"], "--input 3x9: net takes one like 3x9x9"),
        (["--input", "4x9x9"], "--input 4x9x9: net takes one like 3x9x9"),
        (["--input", "3x0x9"], "--input 3x0x9: net takes one like 3x9x9"),
        (["--input", "threexfour"], "--input threexfour: net takes one like 3x9x9"),
        (["--model", "other"], "--model other: the networks here are net"),
        (["--batch", "0"], "--batch 0: write 1 or more"),
    ],
)
def test_a_wrong_command_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.resnet").write_text(TEXT.replace("WIDTH", "4"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["net.resnet", *words])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


def test_a_file_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.resnet").write_bytes(b"\xff\xfe")
    for name, message in (("none.resnet", "No such file or directory"), ("net.resnet", "not UTF-8 text")):
        with pytest.raises(SystemExit) as ended:
            main([name])
        assert ended.value.code == 2 and capsys.readouterr().err.endswith(f"error: {name}: {message}\n")
