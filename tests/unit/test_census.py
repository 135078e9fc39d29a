"""The language stays small: every primitive is used, labels are few, and nothing is there for the sake of one net."""

import ast
import re
import runpy
from pathlib import Path

import pytest

from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import PRIMITIVES

ROOT = Path(__file__).resolve().parents[2]
CENSUS = runpy.run_path(str(ROOT / "tools" / "census.py"))
TREES = CENSUS["trees"]()

# No shipped net has these by itself: they are what `--set act=...` and gates of one's own are for.
OPTIONAL = {
    "elu": "the activation of residual nets without norms",
    "mish": "the activation of YOLOv4's residual nets",
    "global_max_pool": "the pool of gates such as CBAM, and of some heads",
    "channel_mean": "the spatial gate of CBAM",
    "channel_max": "the spatial gate of CBAM",
    "instance_norm": "the norm of style transfer, and of IBN-Net",
    "prelu": "the activation of face nets",
}

# Structures that libraries have as classes, and here are text; a net's name is as bad.
CLASSES = """
    BasicBlock Bottleneck Bottle2neck SEModule SqueezeExcite SqueezeExcitation EcaModule SelectiveKernel SplitAttn
    RadixSoftmax ResNestBottleneck SEBottleneck SEResNetBottleneck PreActBottleneck PreActBasic DownsampleAvg
    DownsampleConv AvgPool2dSame ConvNormAct ClassifierHead BasicStem R2Plus1dStem Conv2Plus1D Conv3DNoTemporal
""".split()
FAMILIES = "timm torchvision resnext resnetv2 senet sknet skresnet res2net resnest seresnet ecaresnet eca se sk wrn"


def test_every_primitive_is_used_by_a_shipped_spec() -> None:
    users = CENSUS["users"]()
    assert list(users) == list(PRIMITIVES)
    assert {name for name, specs in users.items() if not specs} == set(OPTIONAL)


# Specs in which up to three of five operations have a label.
WRAPPED = {
    "std/units": "it is made of the wrapper itself: `conv` and `bn` are names that timm's ConvNormAct gives",
    "zoo/timm/byobnet": "every convolution is in a wrapper, and each place of a wrapper has a name of its own",
    "zoo/timm/xception_aligned": "the same, and `act1` stands before `conv1`",
}


@pytest.mark.parametrize("spec", TREES)
def test_labels_are_few(spec: str) -> None:
    """More than one for two operations would mean that a naming rule is wrong."""
    labels, steps = len(CENSUS["labels"](TREES[spec])), CENSUS["steps"](TREES[spec])
    assert 5 * labels <= 3 * steps if spec in WRAPPED else 2 * labels <= steps


def test_labels_are_few_in_all_specs_together() -> None:
    counts = [(len(CENSUS["labels"](tree)), CENSUS["steps"](tree)) for tree in TREES.values()]
    assert 3 * sum(labels for labels, _ in counts) <= sum(steps for _, steps in counts)


def test_no_shipped_spec_needs_an_operation_from_outside() -> None:
    for name, tree in TREES.items():
        assert not any(isinstance(item, syntax.Extern) for item in tree.items), name


def words(path: Path) -> set[str]:
    """The words of a file that do something: of Python all but comments and documentation."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"\w+", text))
    out: set[str] = set()
    documentation = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef():
                documentation.add(ast.get_docstring(node, clean=False))
                out.add(getattr(node, "name", ""))
            case ast.Name(name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                out.add(name)
            case ast.Constant(str() as value) if value not in documentation:
                out |= set(re.findall(r"\w+", value))
    return out


def test_no_part_of_the_compiler_knows_a_net() -> None:
    nets = {item.name.id for tree in TREES.values() for item in tree.items if isinstance(item, syntax.Instance)}
    known = nets | set(CLASSES) | set(FAMILIES.split())
    parts = [*(ROOT / "compiler").rglob("*.py"), *(ROOT / "compiler").rglob("*.j2"), *(ROOT / "grammar").glob("*.py")]
    vocabulary = ROOT / "compiler" / "vocabulary"  # others' words: read to word a message, as the test below sees to
    for path in [*parts, ROOT / "grammar" / "resnet.lark"]:
        assert path.is_relative_to(vocabulary) or words(path) & known == set(), path
    assert not {w for name in PRIMITIVES for w in name.split("_")} & known


def test_the_words_of_other_libraries_only_word_messages() -> None:
    readers = {
        path.name
        for path in (ROOT / "compiler").rglob("*.py")
        if "compiler.vocabulary" in path.read_text(encoding="utf-8") and path.parent.name != "vocabulary"
    }
    wording = {"call_suggestions.py", "errors.py", "foreign_idioms.py", "instances.py"}
    wording |= {"name_suggestions.py", "paper_notation.py", "stride_mismatch_errors.py"}
    assert readers == wording


def test_the_counts_of_the_decision() -> None:
    """docs/decisions/0007 counts what there is to learn; lines may move by a tenth."""
    text = (ROOT / "docs" / "decisions" / "0007-how-large-the-language-is.md").read_text(encoding="utf-8")
    said = {what: int(count.replace(",", "")) for count, what in re.findall(r"^\| ([\d,]+) \| ([^|]+) \|", text, re.M)}
    counted = CENSUS["sizes"]()
    assert said.keys() == counted.keys()
    for what, count in counted.items():
        assert abs(said[what] - count) <= (count // 10 if what.startswith("lines") else 0), what
