"""What the README shows is what the repository holds."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_spec_is_the_shipped_one() -> None:
    assert (ROOT / "specs" / "imagenet" / "resnet50.resnet").read_text(encoding="utf-8") in README


def test_the_code_is_the_generated_one() -> None:
    shown = re.findall(r"<!-- (\S+): class \w+ -->\n```python\n(.*?)\n```", README, re.DOTALL)
    assert shown
    for path, code in shown:
        assert code in (ROOT / path).read_text(encoding="utf-8")


def test_the_message_is_the_recorded_one() -> None:
    recorded = (ROOT / "tests" / "ui" / "stride_mismatch.stderr").read_text(encoding="utf-8")
    assert recorded.partition("\n\nerror:")[0] in README


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_page_of_nets_lists_every_spec_beside_the_zoo() -> None:
    table = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8").partition("## Other shipped nets")[2]
    listed = set(re.findall(r"`([\w/]+(?:/\*)?)`", table))
    specs = [path.relative_to(ROOT / "specs").with_suffix("").as_posix() for path in (ROOT / "specs").rglob("*.resnet")]
    others = [name for name in specs if not name.startswith(("std/", "zoo/"))]
    assert [name for name in others if name not in listed and f"{name.partition('/')[0]}/*" not in listed] == []
