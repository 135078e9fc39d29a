"""Draws specs as their authors write them: blocks with branches that stride, shortcuts, gates, claims, comments."""

from __future__ import annotations

from random import Random

from resnetc.compiler.driver.session import Session

STEMS = (
    "conv(16, kernel=3) |> norm |> act",
    "conv(16, kernel=3, stride=2) |> norm |> act",
    "conv(16, kernel=7, stride=2) |> norm |> act |> max_pool(3, stride=2)",
    "conv1: plain_conv(16, kernel=5, stride=2, padding=2, bias=true) |> relu |> max_pool(3, stride=2, padding=1)",
    "stems.deep(8)",
)
HEADS = (
    "global_avg_pool |> fc: linear(classes)",
    "global_avg_pool |> dropout(0.2) |> fc: linear(classes)",
    "norm |> act |> global_avg_pool |> flatten |> fc: linear(classes)",
)
SHORTCUTS = (
    "in |> shortcut({outer}, stride)",
    "in |> shortcut({outer}, stride)",
    "in |> conv({outer}, kernel=1, stride=stride) |> norm",
    "in |> avg_pool(3, stride=stride, padding=1) |> conv({outer}, kernel=1) |> norm",
    "in |> narrowed({outer}, stride)",
)
POLICIES = {
    "narrowed": """/// Identity where nothing changes, else positions are left out and channels are zeros.
policy narrowed(channels: int, stride: size) {
  when in.channels == channels and stride == 1 => identity
  otherwise => subsample(stride) |> pad_channels(channels)
}
"""
}
GATES = (
    "",
    "",
    " |> attention",
    " |> gates.se(ratio=1 / 8)",
)


class Author:
    """Writes one spec; every choice is drawn from `chance`."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.uses: set[str] = set()
        self.items: list[str] = []

    def one(self, *options: str) -> str:
        return self.chance.choice(options)

    def write_spec(self) -> str:
        """A spec without the claim about its parameters."""
        names = self.chance.sample(("unit", "block_a", "layer", "residual"), k=self.chance.choice((1, 1, 2)))
        blocks = [(name, self.one("basic", "bottleneck", "preact", "mixed", "gated")) for name in names]
        for name, kind in blocks:
            self.items.append(getattr(self, f"write_{kind}")(name))
        if self.chance.random() < 0.3:
            library = self.one("basic", "bottleneck", "preact_basic")
            blocks.append((f"blocks.{library}", library))
            self.uses.add("blocks")
        if self.chance.random() < 0.3:
            self.items.append(self.write_pyramid())
        model = self.write_model([name for name, _ in blocks])
        text = "\n".join([*self.items, model])
        policies = [policy for name, policy in POLICIES.items() if f"{name}(" in text]
        for name in ("gates", "stems", "shortcuts", "filters", "drops"):
            if f"{name}." in text:
                self.uses.add(name)
        uses = "".join(f"use std.{name}\n" for name in sorted(self.uses))
        return "\n".join([f"edition 1\n{uses}", *policies, *self.items, model])

    # -- blocks -------------------------------------------------------------------------------------------------------

    def side(self, outer: str, source: str = "in") -> str:
        return self.one(*SHORTCUTS).format(outer=outer).replace("in |>", f"{source} |>", 1)

    def write_basic(self, name: str) -> str:
        return f"""/// Two convolutions of 3x3.
block {name}(width: int, first stride: size = 1) {{
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act
                |> conv(width, kernel=3) |> norm{self.one(*GATES)}
  let side = {self.side("width")}
  out = (main + side) |> act
}}
"""

    def write_bottleneck(self, name: str) -> str:
        outer, parameter, more = self.one(
            "outer|, outer: int = 4 * width|", "4 * width||", "width * expansion|, expansion: int = 2|", "wide||wide"
        ).split("|")
        let = "  let wide = 2 * width\n" if more else ""
        return f"""/// A bottleneck.
block {name}(width: int, first stride: size = 1{parameter}) {{
{let}  let main = in |> conv(width, kernel=1) |> norm |> act
                |> conv(width, kernel=3, stride=stride) |> norm |> act
                |> conv({outer}, kernel=1) |> norm{self.one(*GATES)}
  let side = {self.side(outer)}
  out = (main + side) |> act
}}
"""

    def write_preact(self, name: str) -> str:
        return f"""block {name}(width: int, first stride: size = 1) {{
  let pre = in |> norm |> act
  let main = pre |> conv(width, kernel=3, stride=stride) |> norm |> act |> conv(width, kernel=3)
  let side = {self.one("in", "pre")} |> {self.one("shortcut(width, stride)", "conv(width, kernel=1, stride=stride)")}
  out = main + side // nothing follows
}}
"""

    def write_mixed(self, name: str) -> str:
        return f"""block {name}(width: int, first stride: size = 1) {{
  let narrow = in |> conv(width, kernel=1, stride=stride) |> norm
  let broad = in |> conv(width, kernel=1) |> norm |> act |> conv(width, kernel=5, stride=stride) |> norm
  let main = [narrow, broad] |> concat |> act |> merge: plain_conv(width, kernel=1, bias=true)
  let side = {self.side("width")}
  out = (main + side) |> act
}}
"""

    def write_gated(self, name: str) -> str:
        return f"""block {name}(width: int, first stride: size = 1) {{
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act |> conv(width, kernel=3) |> norm
  let gate = main |> global_avg_pool |> fc1: plain_conv(width / 2, kernel=1, bias=true) |> relu
                  |> fc2: plain_conv(width, kernel=1, bias=true) |> sigmoid
  let side = {self.side("width")}
  out = (main * gate + side) |> act
}}
"""

    def write_pyramid(self) -> str:
        return """/// Joins a map and what two strides make of it.
block pyramid(width: int) {
  let fine = in |> conv(width, kernel=3) |> norm |> act
  let coarse = fine |> max_pool(3, stride=2) |> conv(width, kernel=3, stride=2) |> norm
  let lateral = fine |> conv(width, kernel=3, stride=4) |> norm
  out = [coarse, lateral] |> sum |> act
}
"""

    # -- the model ----------------------------------------------------------------------------------------------------

    def write_model(self, blocks: list[str]) -> str:
        count = self.chance.choice((2, 3, 3, 4))
        stages = []
        for i in range(count):
            block = self.chance.choice(blocks)
            width = 16 * 2**i
            stride = ", stride=2" if i > 0 else self.one("", "", ", stride=2")
            stages.append(f"  stage layer{i + 1} = {self.chance.choice((1, 2, 3))} of {block}({width}{stride})")
        lines = []
        if self.chance.random() < 0.4:
            lines.append(f"  set norm = {self.one('group_norm(groups=4)', 'batch_norm(eps=1e-3)')}")
        text = "\n".join([*self.items, *stages])
        if "attention" in text or "blocks." in text:
            lines.append(f"  set attention = {self.one('gates.se', 'gates.eca')}")
        if "shortcut(" in text or "blocks." in text:
            lines.append(f"  set shortcut = {self.one('shortcuts.project', 'shortcuts.average', 'shortcuts.pad')}")
        size = self.chance.choice((64, 96, 128))
        lines.append(f"  input [3, H, W] = [3, {size}, {size}] // an image")
        pyramid = " |> pyramid(16)" if "block pyramid" in text else ""
        lines.append(f"  stem = {self.one(*(STEMS[:2] if pyramid else STEMS))}{pyramid}")
        lines += stages
        lines.append(f"  head = {self.one(*HEADS)}")
        body = "\n".join(lines)
        return f"/// The network.\nmodel net(classes: int = 10) {{\n{body}\n}}\n"


def write_right_spec(chance: Random) -> str:
    """A spec without fault and warning; half of them claim how many parameters they have."""
    while True:
        text = Author(chance).write_spec()
        session = Session()
        session.add_text(text)
        networks = session.compile_networks()
        session.lint(networks)
        if not session.sink.diagnostics:
            break
    if chance.random() < 0.5:
        claim = f"  expect parameters == {networks[0].measures.parameters:_}\n}}\n"
        text = text[: text.rindex("}\n")] + claim
    return text
