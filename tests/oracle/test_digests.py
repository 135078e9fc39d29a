"""The keys and the function of every shipped network are those that `digests.txt` records; the index has its figures.

`pytest --update tests/oracle/test_digests.py` records them anew. A digest of keys covers names, order and shapes of the
state dict; one of the function covers every operation and every wire, and no name of a block, a `let` or a slot.
"""

import importlib.util
from functools import cache
from pathlib import Path

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.driver import network_index
from resnetc.compiler.driver.session import Session
from resnetc.compiler.loader.loader import list_shipped
from tests.support import SHIPPED, compile_text

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("digests.txt")
HEAD = """\
# What every shipped network stores and computes: SPEC NETWORK KEYS FUNCTION, as compiler/codegen/fingerprint.py does.
# A line changes only with a reason in the commit: where keys change, checkpoints can no longer be loaded; where a
# function changes, they give other outputs. A new network is a new line.
"""


@cache
def shipped_networks() -> list[CheckedNetwork]:
    session = Session(shared=SHIPPED)
    for name in list_shipped():
        session.add(name)
    networks = session.compile_networks()
    session.lint(networks)
    assert session.sink.diagnostics == []  # no shipped spec warns
    return networks


def test_the_index_is_what_the_specs_make() -> None:
    spec = importlib.util.spec_from_file_location("make_index", ROOT / "tools" / "make_index.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    index = network_index.FILE.read_text(encoding="utf-8")
    assert index == tool.render(shipped_networks()), "run: python tools/make_index.py"


def test_every_shipped_network_has_the_recorded_keys_and_function(update: bool) -> None:
    made = [f"{c.title} {c.network.name} {' '.join(digests(c.network))}" for c in shipped_networks()]
    if update:
        FILE.write_text("\n".join([HEAD, *made, ""]), encoding="utf-8")
    recorded = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    changed = {line.rpartition(" ")[0].rpartition(" ")[0] for line in set(made) ^ set(recorded)}
    assert sorted(changed) == [], "their keys or functions are not those of tests/oracle/digests.txt"
    assert made == recorded


def test_names_of_blocks_and_values_are_no_part_of_a_function() -> None:
    text = """edition 1
block unit(width: int) {
  let main = in |> conv(width, kernel=3) |> norm
  out = (main + in) |> act
}
model net() {
  input [3, H, W] = [3, 8, 8]
  stem = conv(4, kernel=3)
  stage layer1 = 2 of unit(4)
  head = global_avg_pool |> fc: linear(2)
}
"""
    renamed = (
        text.replace("unit", "other").replace("main", "path").replace("width", "wide").replace("net()", "other_net()")
    )
    stem_moved = text.replace("stem = conv(4, kernel=3)", "stem = entry").replace(
        "  input", "  set entry = conv(4, kernel=3)\n  input"
    )
    stored_otherwise = text.replace("layer1", "layer2")
    computed_otherwise = text.replace("kernel=3) |> norm", "kernel=3, dilation=2) |> norm")

    def digests_of(text: str) -> tuple[str, str]:
        return digests(compile_text(text)[0].network)

    plain = digests_of(text)
    assert digests_of(renamed) == digests_of(stem_moved) == plain
    assert [a == b for a, b in zip(digests_of(stored_otherwise), plain, strict=True)] == [False, True]
    assert [a == b for a, b in zip(digests_of(computed_otherwise), plain, strict=True)] == [True, False]
