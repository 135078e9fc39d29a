"""What generated files use themselves is one table, read off the templates: no class or function takes a name in it."""

import re
import symtable
from pathlib import Path

import pytest

from resnetc.compiler.codegen import render
from resnetc.compiler.codegen.torch_modules import HELPERS
from tests.support import compile_text

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "compiler" / "codegen" / "templates").glob("*.j2"))
FILES = sorted((ROOT / "generated").rglob("*.py"))
RARE = """edition 1
model net() {
  input [3, H, W] = [3, 32, 32]
  stem = std_conv(8, kernel=3) |> evo_norm_s0(groups=2) |> response_norm |> blur_pool(3, stride=2) |> pad_channels(16)
  stage layer1 = 1 of (drop_path(1/2) |> b: (norm |> c: conv(8, kernel=1)) |> subsample(2) |> regroup(2, 2))
  head = global_avg_pool |> fc: (dropout(1/2) |> linear(4))
}
"""


def unexplained(text: str) -> set[str]:
    """What a file mentions that is neither in the table nor a class or function of its network."""
    table = symtable.symtable(text, "net.py", "exec")
    defined = {inner.get_name() for inner in table.get_children()}
    return {*render.list_mentions(table)} - render.list_module_globals() - defined


def test_every_definition_of_the_templates_is_in_the_table() -> None:
    found = set()
    for path in TEMPLATES:
        text = re.sub(r"\{\{ rank \| literal \}\}", "2", path.read_text(encoding="utf-8"))
        found |= set(re.findall(r"^(?:class |def )?(\w+)(?: = |\(| as )", text, re.MULTILINE))
    assert len(found) > len(HELPERS) + 4
    assert found | {"build"} <= render.list_module_globals()
    assert {name.format(r=rank) for name in HELPERS.values() for rank in (1, 2, 3)} <= render.list_module_globals()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_committed_files_mention_nothing_else(file: Path) -> None:
    assert unexplained(file.read_text(encoding="utf-8")) == set()


def test_a_file_with_all_that_is_rare_mentions_nothing_else() -> None:
    _, text = compile_text(RARE)
    assert unexplained(text) == set()
    assert "class EvoNorm2dS0" in text and "class PooledLinear" in text
    assert "from collections import OrderedDict" in text
    assert unexplained(f"from collections import deque\n{text}") == {"deque"}


def test_classes_that_torch_lacks_call_their_arguments_as_torch_does() -> None:
    _, text = compile_text(RARE)
    signatures = re.findall(r"def __init__\(([^)]*)\)", text)
    names = {name for signature in signatures for name in re.findall(r"(\w+): ", signature)}
    assert {"kernel_size", "num_groups", "num_channels"} <= names
    assert "kernel" not in names
