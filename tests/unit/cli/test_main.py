"""The commands as a shell sees them: status, output, files."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

import resnetc
from resnetc.cli.common import INTERNAL
from resnetc.cli.main import main, report_error

SMALL = """edition 1
use std.blocks

/// A small net.
model small(classes: int = 10, channels: int = 3, width: int = 8, flag: bool = false) {
  input [channels, H, W] = [channels, 16, 16]
  stem = conv(width, kernel=3) |> norm |> act
  stage layer1 = 2 of blocks.basic(width)
  stage layer2 = 1 of blocks.basic(2 * width, stride=2)
  head = global_avg_pool |> fc: linear(classes)
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.resnet").write_text(SMALL)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "is_left"), [("check small.resnet", True), ("compile small.resnet", True), ("list small", False)]
)
def test_what_a_compilation_leaves_in_cycles_is_left_to_the_end_of_the_process(
    folder: Path, command: str, is_left: bool
) -> None:
    program = (  # what is registered first is called last
        "import atexit, gc\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "from resnetc.cli.main import main\n"
        f"assert main({command.split()}) == 0 and gc.get_freeze_count() == 0"
    )
    environment = {"PYTHONPATH": str(Path(resnetc.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(is_left)


def test_compile_writes_one_file_a_network_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "small.resnet"]) == 0
    assert capsys.readouterr().out == "generated/small.py\n"
    assert [p.name for p in (folder / "generated").iterdir()] == ["small.py"]


def test_names_follow_what_is_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--set", "classes=5", "--set", "flag=true", "--set", "width=8", "--set", "norm=group_norm(groups=4)"]
    assert main(["compile", "small.resnet", "-o", "out", *options]) == 0
    assert capsys.readouterr().out == "out/small_classes5_flagtrue_norm_group_norm_groups_4_.py\n"


def test_equal_input_gives_equal_bytes(folder: Path) -> None:
    texts = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-m", "resnetc", "compile", "small.resnet", "-o", "-"],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(resnetc.__file__).parents[1])},
            capture_output=True,
            check=True,
        )
        texts.add(done.stdout)
    assert len(texts) == 1


def test_an_edited_file_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "small.resnet"]) == 0
    made = folder / "generated" / "small.py"
    edited = made.read_text().replace("nn.ReLU()", "nn.SiLU()", 1)
    made.write_text(edited)
    capsys.readouterr()
    assert main(["compile", "small.resnet"]) == 1
    assert "generated/small.py was edited by hand" in capsys.readouterr().err
    assert made.read_text() == edited
    assert main(["compile", "small.resnet", "--check"]) == 1
    assert capsys.readouterr().out == "generated/small.py was edited by hand\n"
    assert main(["compile", "small.resnet", "--force"]) == 0
    assert "nn.SiLU" not in made.read_text()


def test_a_foreign_file_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "generated").mkdir()
    (folder / "generated" / "small.py").write_text("print('mine')\n")
    assert main(["compile", "small.resnet"]) == 1
    assert "was not made by resnetc" in capsys.readouterr().err
    assert (folder / "generated" / "small.py").read_text() == "print('mine')\n"


def test_a_link_is_not_followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "precious").write_text("mine")
    (folder / "generated").mkdir()
    (folder / "generated" / "small.py").symlink_to(folder / "precious")
    assert main(["compile", "small.resnet", "--force"]) == 1
    assert "is a link" in capsys.readouterr().err
    assert (folder / "precious").read_text() == "mine"


def test_nothing_is_written_unless_all_is_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.resnet").write_text(SMALL.replace("small(", "bad(").replace("basic(width)", "basik(width)"))
    assert main(["compile", "small.resnet", "bad.resnet"]) == 1
    assert not (folder / "generated").exists()


def test_an_unwritable_place_leaves_nothing_behind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "generated").write_text("a file where a folder should be")
    assert main(["compile", "small.resnet"]) == 1
    error = capsys.readouterr().err
    assert "error[E0506]" in error and "Traceback" not in error
    assert sorted(p.name for p in folder.iterdir()) == ["generated", "small.resnet"]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("/// A small net.", "/// A little net.", "differs only in its text"),
        ("stride=2)", "stride=4)", "computes a different function: checkpoints load, outputs change"),
        ("2 of", "3 of", "has different state-dict keys: checkpoints will not load"),
        ("fc: linear", "classifier: linear", "has different state-dict keys: checkpoints will not load"),
    ],
)
def test_check_says_what_kind_of_change_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, kind: str
) -> None:
    assert main(["compile", "small.resnet"]) == 0
    assert main(["compile", "small.resnet", "--check"]) == 0
    old = (folder / "generated" / "small.py").read_text()
    assert before in SMALL
    (folder / "small.resnet").write_text(SMALL.replace(before, after))
    capsys.readouterr()
    assert main(["compile", "small.resnet", "--check"]) == 1
    assert capsys.readouterr().out == f"generated/small.py {kind}\n"
    assert (folder / "generated" / "small.py").read_text() == old


def test_a_directory_keeps_its_folders(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "specs" / "deep").mkdir(parents=True)
    (folder / "specs" / "deep" / "small.resnet").write_text(SMALL)
    (folder / "specs" / "other.resnet").write_text(SMALL.replace("model small", "model other"))
    assert main(["compile", "specs", "-o", "out"]) == 0
    assert capsys.readouterr().out.split() == ["out/deep/small.py", "out/other.py"]
    assert main(["compile", "specs", "-o", "flat", "--model", "small"]) == 0
    assert capsys.readouterr().out.split() == ["flat/small.py"]


def test_two_networks_with_one_file_are_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "twin.resnet").write_text(SMALL)
    assert main(["compile", "small.resnet", "twin.resnet"]) == 1
    assert "small of small.resnet" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["compile"],
        ["compile", "small.resnet", "--set", "classes"],
        ["compile", "small.resnet", "--set", "clases=3"],
        ["compile", "small.resnet", "--model", "smal"],
        ["show", "small.resnet", "--input", "3x16"],
        ["show", "small.resnet", "--input", "1x16x16"],
        ["list", "nothing-like-this"],
    ],
)
def test_a_wrong_command_line_ends_in_2(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.strip()


def test_only_the_files_that_a_model_needs_must_be_right(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.resnet").write_text("edition 1\nmodel broken(")
    assert main(["compile", ".", "--model", "small", "-o", "out"]) == 0
    assert main(["compile", ".", "-o", "out"]) == 1


def test_standard_input(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "resnetc", "compile", "-", "-o", "-"],
        input=SMALL.encode(),
        env={"PYTHONPATH": str(Path(resnetc.__file__).parents[1])},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"class Small(nn.Module):" in done.stdout


def test_show_json_has_the_fields_of_the_interface(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "imagenet/resnet50", "--format", "json", "--input", "3x225x224"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert shown["parameters"] == 25_557_032 and shown["buffers"] == 53_173
    assert shown["input"] == [3, 225, 224] and shown["output"] == [1000]
    assert shown["weighted_layers"] == 50 and shown["receptive_field"] == 427
    assert shown["accepts"] == {a: {"min": 1, "modulus": 1, "residues": [0], "except": []} for a in "HW"}
    assert shown["stages"][3] == {
        "name": "layer4",
        "blocks": 3,
        "shape": [2048, 8, 7],
        "symbolic": ["2048", "ceil(H / 32)", "ceil(W / 32)"],
        "stride": 32,
    }
    assert set(shown) == {
        "model", "network", "spec", "parameters", "buffers", "multiply_adds", "multiply_adds_all", "weighted_layers",
        "receptive_field", "activation_bytes", "activation_bytes_checkpointed", "input", "output", "accepts", "limits",
        "batches", "stages",
    }  # fmt: skip


def test_set_overrules_deeper_bindings_and_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "cifar/resnet", "--set", "depth=20", "--set", "shortcut=none"]) == 0
    assert "`--set` overrides shortcut = shortcuts.pad (cifar/resnet.resnet:" in capsys.readouterr().err


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "compile", "show", "list", "train", "eval"):
        assert main([command, "--help"]) == 0
        assert "example: resnetc" in capsys.readouterr().out


def test_the_python_api() -> None:
    compiled = resnetc.compile("imagenet/resnet50", classes=10)
    assert compiled.network.name == "resnet50_classes10"
    assert compiled.diagnostics == ()
    assert "class ResNet50Classes10(nn.Module):" in compiled.source
    assert "layer4" in compiled.summary()
    model = resnetc.load("cifar/resnet", depth=20, shortcut="none")
    assert sum(p.numel() for p in model.parameters()) == 269_722


def test_what_is_compiled_is_printed_in_a_line() -> None:
    compiled = resnetc.compile("imagenet/resnet50", classes=10)
    assert repr(compiled) == str(compiled) == "<resnetc.Compiled resnet50_classes10: 23,528,522 parameters>"
    assert repr(compiled.network) == "<Network resnet50_classes10: [3, H, W]>"


@pytest.mark.parametrize("words", [["show", "digits"], ["show", "imagenet/resnet50", "--input", "3x64x64"], ["list"]])
def test_no_line_of_a_table_ends_with_blanks(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) > 12 and [line for line in lines if line != line.rstrip()] == []
    assert resnetc.compile("digits").summary().split("\n")[0] == "digits  (digits)"


def test_the_python_api_refuses_with_reasons(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="defines 6 networks"):
        resnetc.compile("cifar/resnet")
    with pytest.raises(ValueError, match="no model here has a parameter or slot `depht`"):
        resnetc.compile("cifar/resnet", depht=20)
    bad = tmp_path / "bad.resnet"
    bad.write_text(SMALL.replace("basic(width)", "basik(width)"))
    with pytest.raises(resnetc.CompileError) as caught:
        resnetc.compile(str(bad))
    assert [d.code for d in caught.value.diagnostics] == ["E0202"]


def test_check_imports_neither_torch_nor_jinja2_nor_rich(folder: Path) -> None:
    text = (
        "import sys; from resnetc.cli.main import main; status = main(['check', 'small.resnet']);"
        "loaded = {'torch', 'jinja2', 'rich', 'numpy', 'yaml'} & set(sys.modules); sys.exit(status or bool(loaded) * 3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={"PYTHONPATH": str(Path(resnetc.__file__).parents[1])},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_device_is_one_message():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "resnetc", "show", "digits"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_output_is_one_that_nobody_reads(closed: str):
    done = subprocess.run(
        f"{sys.executable} -m resnetc check digits {closed}", shell=True, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_sizes_are_written_with_the_digits_of_the_language(capsys: pytest.CaptureFixture[str]):
    assert main(["show", "imagenet/resnet18", "--input", "3x٣x3"]) == 2
    assert "write it like 3x224x224" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "This is a bug in resnetc. Please report it; RESNETC_TRACEBACK=1 shows where it happened."),
        ({"spec": None}, "This is a bug in resnetc. Please report it; RESNETC"),
        ({"spec": "a.resnet"}, "This is a bug in resnetc, not in the spec (a.resnet). Please report it with the spec;"),
        ({"spec": ["a", "b"]}, "This is a bug in resnetc, not in the spec (a, b). Please report it with the spec;"),
    ],
)
def test_a_bug_speaks_of_the_spec_where_there_is_one(
    given: dict[str, object], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_error(KeyError("a"), argparse.Namespace(**given)) == INTERNAL
    printed = capsys.readouterr().err
    assert printed.startswith("resnetc: internal error: KeyError: 'a'\n") and words in printed
