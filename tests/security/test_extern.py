"""A spec runs no code of its author unless it is told to run: by `test`, `train` and `load`, and then a class alone."""

import json
from pathlib import Path

import pytest

import resnetc
from resnetc.cli.main import main
from resnetc.runtime.errors import RunError
from tests.support import run_python

SPEC = """edition 1

extern own({parameters}) [C, H, W] => [C, H, W] = "{target}"

block Unit() {{
  out = in |> conv(8, kernel=3) |> own
}}

model net() {{
  input [3, H, W] = [3, 8, 8]
  stem = conv(8, kernel=3)
  stage layer1 = 2 of Unit
  head = global_avg_pool |> fc: linear(10)
}}
"""
HONEST = "from torch import nn\nclass Own(nn.Identity):\n    pass\n"


def write(folder: Path, target: str, parameters: str = "", **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    spec = folder / "net.resnet"
    spec.write_text(SPEC.format(target=target, parameters=parameters))
    return spec


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["check", "--format", "json"],
        ["compile", "-o", "-"],
        ["compile", "-o", "out"],
        ["show"],
        ["show", "--format", "svg"],
        ["show", "--format", "mermaid"],
        ["show", "--format", "json"],
        ["fmt", "--check"],
    ],
    ids=" ".join,
)
def test_looking_at_a_spec_imports_nothing(command, tmp_path):
    """Neither the file beside it nor its package; a module of that name in the working folder is left alone too."""
    spec = write(tmp_path, "evil.inner:Own", evil="open('ran', 'w')")
    program = "import sys\nfrom resnetc.cli.main import main\nprint(main(sys.argv[1:]))\nprint('evil' in sys.modules)"
    process = run_python(program, *command, str(spec), folder=tmp_path)
    assert process.stdout.splitlines()[-2:] == ["0", "False"], process.stderr
    assert not (tmp_path / "ran").exists()


def test_compile_of_the_api_imports_nothing_and_load_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = write(tmp_path, "own_of_the_api:Own", own_of_the_api=f"open('ran', 'w')\n{HONEST}")
    compiled = resnetc.compile(spec)
    assert "from own_of_the_api import Own\n" in compiled.source and not Path("ran").exists()
    model = resnetc.load(spec)
    assert Path("ran").exists()
    assert type(model.get_submodule("layer1.1.own")).__module__ == "own_of_the_api"


REFUSED = {
    "a function": ("os:system", 'command: string = "touch ran"', "`os:system` is not a subclass of torch.nn.Module"),
    "a class of another kind": (
        "subprocess:Popen",
        'args: string = "touch ran"',
        "is not a subclass of torch.nn.Module",
    ),
    "a module": ("os:path", "", "is not a subclass of torch.nn.Module"),
    "no such module": ("nowhere_at_all:Own", "", "there is no module `nowhere_at_all`, which it imports: put"),
    "no such module in a package": ("json.nowhere:Own", "", "there is no module `json.nowhere`"),
    "no such class": ("own_without:Attend", "", "has no `Attend`: it has `Own`"),
    "no such inner class": ("own_without_inner:Own.Inner", "", "has no `Own.Inner`: it has no subclass of nn.Module"),
    "a module that fails": ("own_failing:Own", "", "cannot be imported: ZeroDivisionError: division by zero"),
    "a module that is not Python": ("own_not_python:Own", "", "cannot be imported: SyntaxError: "),
    "a module that needs another": ("own_needing:Own", "", "needs `nowhere_at_all`, which is not installed"),
}
FILES = {
    "own_without": HONEST,
    "own_without_inner": HONEST,
    "own_failing": "1 / 0\n",
    "own_not_python": "def\n",
    "own_needing": "import nowhere_at_all\n",
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_class_of_a_network_is_refused_before_anything_is_called(case, tmp_path, monkeypatch, capsys):
    target, parameters, words = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    spec = write(tmp_path, target, parameters, **FILES)
    with pytest.raises(RunError) as refused:
        resnetc.load(spec)
    assert words in str(refused.value)
    assert main(["test", str(spec)]) == 1
    printed = capsys.readouterr()
    assert words in printed.err and printed.err.count("error") == 1, printed.err
    assert main(["train", str(spec), "--override", "epochs=1"]) == 1
    assert not Path("ran").exists() and not Path("runs").exists()


def test_a_file_beside_a_spec_hides_no_module_but_the_one_that_is_named(tmp_path, monkeypatch):
    """`colorsys` beside the spec is not what Python or torch import; the named module finds its own neighbour."""
    spec = write(
        tmp_path,
        "own_with_neighbour:Own",
        own_with_neighbour=f"import own_neighbour, colorsys\nassert colorsys.rgb_to_hsv\n{HONEST}",
        own_neighbour="",
        colorsys="raise SystemExit('hidden')",
    )
    process = run_python("import sys, resnetc\nresnetc.load(sys.argv[1])\nprint('made')", str(spec))
    assert process.stdout == "made\n", process.stderr


def test_two_specs_whose_modules_have_one_name_are_not_mixed_up(tmp_path, monkeypatch):
    """Python has one module of a name: the second is refused, and named, rather than run with the first one's code."""
    specs = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        specs.append(write(tmp_path / name, "own_twice:Own", own_twice=HONEST))
    resnetc.load(specs[0])
    with pytest.raises(RunError) as refused:
        resnetc.load(specs[1])
    assert f"{tmp_path}/other/own_twice.py" in str(refused.value) and f"{tmp_path}/one/own_twice.py" in str(
        refused.value
    )
    resnetc.load(specs[0])


COLLIDING = """edition 1
extern a() [C, H, W] => [C, H, W] = "own_colliding:Unit"
extern b() [C, H, W] => [C, H, W] = "own_colliding_too:Unit"
extern c() [C, H, W] => [C, H, W] = "own_colliding:Tensor"
extern d() [C, H, W] => [C, H, W] = "own_colliding:Net"
extern e() [C, H, W] => [C, H, W] = "own_colliding:build"
extern h() [C, H, W] => [C, H, W] = "own_colliding:BlurPool2d"
extern g() [C, H, W] => [C, H, W] = "own_colliding:print"
block unit(width: int = 8) { out = in |> conv(width, kernel=3) |> a |> b |> c |> d |> e |> h |> g |> blur_pool }
model net() {
  input [3, H, W] = [3, 8, 8] when H >= 8 and W >= 8
  stem = conv(8, kernel=3)
  stage layer1 = 1 of unit
  head = global_avg_pool |> fc: linear(10)
}
"""


def test_a_class_never_hides_what_the_module_has_of_its_own(tmp_path, monkeypatch):
    """A block, a helper, an import, a built-in, a class of the same name from another module: each is what it is."""
    monkeypatch.chdir(tmp_path)
    names = ("Unit", "Tensor", "Net", "build", "BlurPool2d", "print")
    classes = "".join(f"class {name}(nn.Identity):\n    mark = '{name}'\n" for name in names)
    Path("own_colliding.py").write_text(f"from torch import nn\n{classes}")
    Path("own_colliding_too.py").write_text("from torch import nn\nclass Unit(nn.Identity):\n    mark = 'other'\n")
    model = resnetc.load(text=COLLIDING)
    block = model.get_submodule("layer1.0")
    assert type(block).__name__ == "Unit3"
    marks = [block.get_submodule(name).mark for name in "abcdehg"]
    assert marks == ["Unit", "other", "Tensor", "Net", "build", "BlurPool2d", "print"]


def test_kaiming_leaves_the_classes_of_others_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "from torch import nn\nclass Own(nn.Sequential):\n    def __init__(self):\n"
    code += "        super().__init__(nn.Conv2d(8, 8, 1))\n        nn.init.constant_(self[0].weight, 0.25)\n"
    spec = write(tmp_path, "own_initial:Own", own_initial=code)
    model = resnetc.load(spec)
    assert all((model.get_submodule(f"layer1.{i}.own.0").weight == 0.25).all() for i in range(2))
    assert model.get_submodule("layer1.0.conv1").weight.std() > 0


def test_the_json_of_show_never_has_a_number_that_leaves_something_out(tmp_path, capsys):
    main(["show", "--format", "json", str(write(tmp_path, "somewhere:Own"))])
    shown = json.loads(capsys.readouterr().out)
    figures = ("parameters", "buffers", "multiply_adds", "multiply_adds_all", "activation_bytes")
    assert {name for name in figures if not str(shown[name]).endswith(" and `own`")} == set()
