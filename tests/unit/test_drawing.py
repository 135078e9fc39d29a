"""The pictures of `show`: both branches of a residual, shapes on the way, nothing that a name could break out of."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from resnetc.cli import main


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["show", *arguments]) == 0
    return capsys.readouterr().out


def test_mermaid_has_both_branches_with_their_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "imagenet/resnet18", "--format", "mermaid")
    assert text.startswith("flowchart TB\n")
    assert 'subgraph g0 ["resnet18"]' in text and 'subgraph g1 ["basic (the first one)"]' in text
    assert '["layer2: 2 x basic"]' in text
    assert '(("+<br/>relu"))' in text
    join = next(line.split("((")[0].strip() for line in text.splitlines() if '(("+' in line)
    arrows = [line for line in text.splitlines() if line.endswith(f"| {join}")]
    assert len(arrows) == 2 and all('|"[64, ceil(H / 4), ceil(W / 4)]"|' in line for line in arrows), text


@pytest.mark.parametrize("spec", ["imagenet/seresnet50", "cifar/preact", "zoo/timm/res2net", "zoo/torchvision/video"])
def test_svg_is_one_well_formed_picture(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    for text in shown(capsys, spec, "--format", "svg").strip().split("\n"):
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        for box in root.iter("{http://www.w3.org/2000/svg}rect"):
            assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
            assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height
        boxes = [b for b in root.iter("{http://www.w3.org/2000/svg}rect") if float(b.attrib["x"]) > 0]
        places = [tuple(float(b.attrib[k]) for k in ("x", "y", "width", "height")) for b in boxes]
        for i, (x, y, w, h) in enumerate(places):
            for x2, y2, w2, h2 in places[i + 1 :]:
                assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y, "boxes overlap"
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_a_text_of_the_spec_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "net.resnet"
    spec.write_text(
        "edition 1\nuse std.blocks\n\n/// </svg><script>alert(1)</script>\nmodel net() {\n"
        "  input [3, H, W] = [3, 32, 32]\n  stem = conv(8, kernel=3) |> norm |> act\n"
        "  stage layer1 = 1 of blocks.basic(8)\n  head = global_avg_pool |> fc: linear(10)\n}\n"
    )
    assert "<script" not in shown(capsys, str(spec), "--format", "svg")
