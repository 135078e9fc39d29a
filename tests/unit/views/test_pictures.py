"""The pictures of `show`: both branches of a residual, shapes on the way, nothing that a name could break out of."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from resnetc.cli.main import main
from resnetc.compiler.driver.session import Session
from resnetc.views.svg import svg
from tests.support import run_command

SVG = "{http://www.w3.org/2000/svg}"
LETTER = 6  # a letter in 11 px is about so wide

Area = tuple[float, float, float, float]  # left, top, right, bottom


def shown(*arguments: str) -> str:
    status, out, _ = run_command("show", *arguments)
    assert status == 0
    return out


def test_mermaid_has_both_branches_with_their_shapes() -> None:
    text = shown("imagenet/resnet18", "--format", "mermaid")
    assert text.startswith("flowchart LR\n") and text.endswith("\n  g0 ~~~ g1 ~~~ g2\n")
    titles = re.findall(r'subgraph g\d+ \["(.*)"\]\n    direction TB', text)
    assert titles == ["resnet18", "basic: layer1.0 and 4 more", "basic: layer2.0 and 2 more"]
    assert '["layer2: 2 x basic"]' in text and '["downsample: plain_conv 1x1, stride 2<br/>batch_norm"]' in text
    assert '(("+<br/>relu"))' in text
    for join, shape in zip(
        [line.split("((")[0].strip() for line in text.splitlines() if '(("+' in line],
        ("[64, ceil(H / 4), ceil(W / 4)]", "[128, ceil(H / 8), ceil(W / 8)]"),
        strict=True,
    ):
        arrows = [line for line in text.splitlines() if line.endswith(f"| {join}")]
        assert len(arrows) == 2 and all(f'|"{shape}"|' in line for line in arrows), text


def test_without_a_head_every_stage_leads_to_the_output() -> None:
    text = shown("zoo/torchvision/resnet", "--model", "resnet18", "--set", "features=true", "--format", "mermaid")
    arrows = re.findall(r'\|"(.*)"\| g0out', text)
    assert arrows == [
        f"layer{n}: [{32 * 2**n}, ceil(H / {2 ** (n + 1)}), ceil(W / {2 ** (n + 1)})]" for n in range(1, 5)
    ]


def test_equal_paths_are_counted_and_runs_of_blocks_named(tmp_path: Path) -> None:
    spec = tmp_path / "net.resnet"
    spec.write_text(
        "edition 1\nuse std.blocks\nblock halves(width: int) {\n  let parts = in |> split(2)\n"
        "  out = parts |> sum |> conv(width, kernel=1)\n}\nmodel net() {\n  input [4, H, W] = [4, 32, 32]\n"
        "  stem = identity\n  stage s[0] = 1 of blocks.basic(8), 2 of halves(8)\n  head = identity\n}\n"
    )
    text = shown(str(spec), "--format", "mermaid")
    assert '["s[0]: 1 x basic, 2 x halves"]' in text and '|"2 x [4, H, W]"|' in text


def meets(a: Area, b: Area) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize(
    "spec",
    ["imagenet/seresnet50", "cifar/preact", "zoo/timm/res2net", "zoo/timm/resnest", "zoo/timm/sknet"]
    + ["zoo/torchvision/video", "zoo/torchvision/resnet features=true"],
)
def test_nothing_in_an_svg_lies_on_something_else(spec: str) -> None:
    name, *settings = spec.split()
    session = Session()
    session.add(name)
    for network in session.compile_networks(
        None, [(key, value) for key, _, value in (s.partition("=") for s in settings)]
    ):
        text = svg(network)
        root = ElementTree.fromstring(text)
        assert root.tag == f"{SVG}svg"
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        page, *rectangles = root.findall(f"{SVG}rect")
        boxes = []
        for box in rectangles:
            x, y, w, h = (float(box.attrib[k]) for k in ("x", "y", "width", "height"))
            boxes.append((x, y, x + w, y + h))
        labels = []
        for label in root.findall(f"{SVG}text"):
            x, y = float(label.attrib["x"]), float(label.attrib["y"])
            long = len(label.text or "") * LETTER
            if label.attrib.get("class") == "s":
                labels.append((x, y - 9, x + long, y))
            elif "text-anchor" in label.attrib:
                inside = [b for b in boxes if b[0] <= x - long / 2 and x + long / 2 <= b[2] and b[1] < y < b[3]]
                assert len(inside) == 1, f"`{label.text}` does not fit its box"
        for area in boxes + labels:
            assert 0 <= area[0] and 0 <= area[1] and area[2] <= width and area[3] <= height
        for one, other in combinations(boxes + labels, 2):
            assert not meets(one, other), (one, other)
        for path in root.findall(f"{SVG}path"):
            numbers = re.findall(r"(-?[\d.]+),(-?[\d.]+)", path.attrib["d"])
            points = [(float(x), float(y)) for x, y in numbers]
            for (x1, y1), (x2, y2) in pairwise(points):
                line = (min(x1, x2) - 0.1, min(y1, y2) + 0.2, max(x1, x2) + 0.1, max(y1, y2) - 0.2)
                assert not any(meets(line, box) for box in boxes), "a line runs through a box"
        assert not list(root.iter(f"{SVG}script"))


def test_a_text_of_the_spec_stays_text(tmp_path: Path) -> None:
    spec = tmp_path / "net.resnet"
    spec.write_text(
        "edition 1\nuse std.blocks\n\n/// </svg><script>alert(1)</script>\nmodel net() {\n"
        "  input [3, H, W] = [3, 32, 32]\n  stem = conv(8, kernel=3) |> norm |> act\n"
        "  stage layer1 = 1 of blocks.basic(8)\n  head = global_avg_pool |> fc: linear(10)\n}\n"
    )
    assert "<script" not in shown(str(spec), "--format", "svg")


def test_a_picture_shows_one_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "cifar/resnet", "--format", "svg"]) == 2
    assert "draws one network" in capsys.readouterr().err
    assert main(["show", "cifar/resnet", "--model", "cifar_depth20", "--format", "svg"]) == 0


def test_blocks_that_do_not_fit_beside_each_other_stand_in_rows() -> None:
    root = ElementTree.fromstring(shown("imagenet/resnet50", "--format", "svg"))
    titles = [(float(t.attrib["x"]), float(t.attrib["y"])) for t in root.iter() if t.attrib.get("class") == "t"]
    (x, first), *blocks = titles
    rows = sorted({y for _, y in blocks})
    assert float(root.attrib["width"]) < 1900 and len(rows) == 2 and rows[0] == first
    assert min(left for left, _ in blocks) == min(left for left, y in blocks if y == rows[1]) > x


def at(shape: str, height: int, width: int) -> str:
    """A shape in symbols as numbers."""
    sizes = {"H": height, "W": width}
    shape = re.sub(r"ceil\((\w) / (\d+)\)", lambda found: str(-(-sizes[found[1]] // int(found[2]))), shape)
    return re.sub("[HW]", lambda found: str(sizes[found[0]]), shape)


@pytest.mark.parametrize("format", ["mermaid", "svg"])
def test_a_picture_has_the_shapes_of_the_given_input(format: str) -> None:
    """Every arrow of one network, and of blocks with both branches: no symbol is left, and other sizes are others."""
    drawn = {}
    for size in (None, "3x64x64", "3x225x97"):
        given = ["--input", size] if size else []
        drawn[size] = shown("imagenet/resnet18", "--format", format, *given)
    shapes = {
        size: re.findall(r'-->\|"(.*?)"\|' if format == "mermaid" else r'class="s"[^>]*>(.*?)<', text)
        for size, text in drawn.items()
    }
    symbolic = shapes[None]
    assert "[64, ceil(H / 4), ceil(W / 4)]" in symbolic and "[3, H, W]" in symbolic
    for size in ("3x64x64", "3x225x97"):
        assert shapes[size] == [at(shape, *map(int, size.split("x")[1:])) for shape in symbolic]
        assert f"resnet18 at {size}" in drawn[size] and " at " not in drawn[None]
    assert len({len(found) for found in shapes.values()}) == 1


def test_a_picture_without_a_head_leads_to_the_output_at_the_given_input() -> None:
    words = ["zoo/torchvision/resnet", "--model", "resnet18", "--set", "features=true", "--format", "mermaid"]
    arrows = re.findall(r'\|"(.*)"\| g0out', shown(*words, "--input", "3x33x64"))
    assert arrows == ["layer1: [64, 9, 16]", "layer2: [128, 5, 8]", "layer3: [256, 3, 4]", "layer4: [512, 2, 2]"]


@pytest.mark.parametrize("format", ["human", "json", "mermaid", "svg"])
@pytest.mark.parametrize(
    "given, said",
    [
        ("3x7", "--input 3x7: write it like 3x16x16"),
        ("", "--input : write it like 3x16x16"),
        ("4x16x16", "--input 4x16x16: `net` takes 3 channels"),
        ("3x15x16", "--input 3x15x16: net accepts size = 16, not 15"),
        ("3x16x2", "--input 3x16x2: net accepts W >= 5, not 2"),
    ],
)
def test_an_input_that_is_not_taken_is_no_picture(
    format: str, given: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "net.resnet"
    spec.write_text(
        "edition 1\nmodel net() {\n  input [3, 16, W] = [3, 16, 16]\n  stem = plain_conv(4, kernel=5, padding=0)\n"
        "  head = global_avg_pool |> linear(2)\n}\n"
    )
    assert main(["show", str(spec), "--format", format, f"--input={given}"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"resnetc: {said}\n")


def test_of_several_networks_none_is_shown_where_one_refuses_the_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = (
        "model {}() {{\n  input [3, H, W] = [3, 16, 16]\n  stem = plain_conv(4, kernel={}, padding=0)\n"
        "  head = identity\n}}\n"
    )
    spec = tmp_path / "nets.resnet"
    spec.write_text("edition 1\n" + model.format("small", 3) + model.format("large", 9))
    assert main(["show", str(spec), "--input", "3x8x8"]) == 2
    assert capsys.readouterr().out == ""
