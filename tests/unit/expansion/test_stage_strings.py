"""Where the string of a stage stores its blocks: their keys and the order of these, by three independent readings."""

import pytest

from resnetc.testing import SpecRefused, assert_network_agrees, trials
from tests.support import list_modules_with_keys, write_model

UNIT = "block unit(width: int, first stride: size = 1) { out = in |> conv(width, kernel=3, stride=stride) |> norm }\n"


def model(*lines: str, stem: str = "identity", head: str = "identity", claim: str = "") -> str:
    return write_model(f"stem = {stem}", *lines, f"head = {head}", claim, items=UNIT, parameters="n: int = 2")


# text, and what its keys begin with, in their order
STORED = {
    "numbers from 1": (model('stage s "b#" = 3 of unit(4)'), ["s.b1.conv1", "s.b2.conv1", "s.b3.conv1"]),
    "numbers from 0": (model('stage s "b-#0" = 2 of unit(4)'), ["s.b-0.conv1", "s.b-1.conv1"]),
    "numbers of several groups": (
        model('stage s "b#" = 1 of unit(4, stride=2), n of unit(5), each w in [6, 7] of unit(w)'),
        ["s.b1.conv1", "s.b2.conv1", "s.b3.conv1", "s.b4.conv1", "s.b5.conv1"],
    ),
    "a digit before the number": (model('stage s "b10#" = 2 of unit(4)'), ["s.b101.conv1", "s.b102.conv1"]),
    "positions": (model('stage s "#" = 2 of unit(4)'), ["s.0.conv1", "s.1.conv1"]),
    "one block with a name": (model('stage s "only" = 1 of unit(4)'), ["s.only.conv1"]),
    "the block is the stage": (model('stage s "" = 1 of unit(4)'), ["s.conv1"]),
    "a layer is the stage": (model('stage a[0].s "" = 1 of norm', 'stage t "" = 1 of relu'), ["a.0.s"]),
    "a stage that is a chain": (model('stage s "" = 1 of (norm |> conv(4, kernel=1))'), ["s.0", "s.1"]),
    "a path": (
        model('stage s "features.conv2_#" = 2 of unit(4)', 'stage t "features.conv3_#" = 2 of unit(4)'),
        [f"features.{name}.conv1" for name in ("conv2_1", "conv2_2", "conv3_1", "conv3_2")],
    ),
    "a path of its own": (
        model('stage s "f.block1.block1-#0" = 2 of unit(4)'),
        ["f.block1.block1-0.conv1", "f.block1.block1-1.conv1"],
    ),
    "numbers go on in the next stage with that string": (
        model('stage s "f.b#" = 2 of unit(4)', 'stage t "f.c#" = 1 of unit(4)', 'stage u "f.b#" = 2 of unit(4)'),
        ["f.b1.conv1", "f.b2.conv1", "f.c1.conv1", "f.b3.conv1", "f.b4.conv1"],
    ),
    "from 0 too": (
        model('stage s "f.b#0" = 1 of unit(4)', 'stage t "f.b#0" = 1 of unit(4)'),
        ["f.b0.conv1", "f.b1.conv1"],
    ),
    "from 0, and on from there in a stage that says from 1": (
        model('stage s "f.b#0" = 2 of unit(4)', 'stage t "f.b#" = 1 of unit(4)', 'stage u "f.b#0" = 1 of unit(4)'),
        ["f.b0.conv1", "f.b1.conv1", "f.b2.conv1", "f.b3.conv1"],
    ),
    "from 1, and on from there in a stage that says from 0": (
        model('stage s "f.b#" = 1 of unit(4)', 'stage t "f.b#0" = 2 of unit(4)'),
        ["f.b1.conv1", "f.b2.conv1", "f.b3.conv1"],
    ),
    "but not in another stage's own numbers": (
        model('stage s "b#" = 1 of unit(4)', 'stage t "b#" = 1 of unit(4)'),
        ["s.b1.conv1", "t.b1.conv1"],
    ),
    "a list that stem, stages and head fill": (
        model(
            'stage s "features.#" = 2 of unit(4, stride=2)',
            'stage t "features.#" = 1 of relu, n of unit(5)',
            stem="features[0]: conv(4, kernel=3)",
            head="features[4 + n]: norm |> fc: conv(2, kernel=1)",
            claim="expect s.stride == 2 and t.channels == 5 and t.blocks == 3",
        ),
        ["features.0", *(f"features.{i}.conv1" for i in (1, 2, 4, 5)), "features.6", "fc"],
    ),
    "a list whose first elements have no modules": (
        model('stage s "f.#" = 2 of unit(4)', stem="f[0]: identity |> f[1]: regroup(1, 1)"),
        ["f.2.conv1", "f.3.conv1"],
    ),
    "a given index": (
        model('stage s "f.0" = 1 of unit(4)', 'stage t "f.1.b#" = 2 of unit(4)'),
        ["f.0.conv1", "f.1.b1.conv1", "f.1.b2.conv1"],
    ),
    "words of the language": (model('stage s "in_.block.out#" = 1 of unit(4)'), ["in_.block.out1.conv1"]),
    "between layers of stem and head": (
        model('stage s "f.b#" = 2 of unit(4)', stem="f.conv0: conv(4, kernel=3)", head="f.norm5: norm |> f.b3: norm"),
        ["f.conv0", "f.b1.conv1", "f.b2.conv1", "f.norm5", "f.b3"],
    ),
    "among stages without one": (
        model('stage s "f.b#" = 2 of unit(4)', "stage f.rest = 2 of unit(4)", 'stage t "f.b#" = 2 of unit(4)'),
        ["f.b1.conv1", "f.b2.conv1", "f.rest.0.conv1", "f.rest.1.conv1", "f.b3.conv1", "f.b4.conv1"],
    ),
    "without a head": (
        model('stage s "f.#" = 2 of unit(4)', 'stage t "f.#" = 3 of unit(8)', 'stage u "" = 1 of unit(8)', head="none"),
        [*(f"f.{i}.conv1" for i in range(5)), "u.conv1"],
    ),
}


@pytest.mark.parametrize("case", STORED)
def test_keys_are_where_the_string_says(case: str) -> None:
    text, keys = STORED[case]
    (trial,) = trials(text)
    assert [key for key in list_modules_with_keys(trial) if not key.endswith("bn1")] == keys
    assert assert_network_agrees(trial, [(8,), (3,)]) == 2


REFUSED = {
    "two blocks that are one stage": (model('stage s "" = n of unit(4)'), "2 blocks would be stored as `s`"),
    "two blocks of one name": (model('stage s "b" = 3 of unit(4)'), "3 blocks would be stored as `s.b`"),
    "two blocks of one path": (model('stage s "f.b" = 3 of unit(4)'), "3 blocks would be stored as `f.b`"),
    "two blocks of one index": (model('stage s "f.0" = 3 of unit(4)'), "3 blocks would be stored as `f[0]`"),
    "a path through a leaf": (
        model('stage s "f.a.b#" = 2 of unit(4)', stem="f.a: conv(4, kernel=1)"),
        "`f.a.b1` would be stored inside another layer, `f.a`",
    ),
    "a path that ends above a leaf": (
        model('stage s "f.a" = 1 of unit(4)', stem="f.a.b: conv(4, kernel=1)"),
        "`f.a.b` would be stored inside another layer, `f.a`",
    ),
    "a path into a stage": (
        model("stage s = 2 of unit(4)", 'stage t "s.b#" = 2 of unit(4)'),
        "`s.b1` would be stored inside another layer, `s`",
    ),
    "a path taken by the stem": (
        model('stage s "f.b#" = 2 of unit(4)', stem="f.b2: conv(4, kernel=1)"),
        "two layers would be stored as `f.b2`",
    ),
    "a path taken by the head": (
        model('stage s "f.b#" = 2 of unit(4)', head="f.b2: conv(4, kernel=1)"),
        "two layers would be stored as `f.b2`",
    ),
    "a name taken by the stem": (
        model('stage s "" = 1 of unit(4)', stem="s: conv(4, kernel=1)"),
        "two layers would be stored as `s`",
    ),
    "names in a list": (
        model('stage s "f.b#" = 2 of unit(4)', stem="f[0]: conv(4, kernel=1)"),
        "`f.b1` cannot be stored next to `f[0]`: a list has only numbered elements",
    ),
    "an index left out": (
        model('stage s "f.1" = 1 of unit(4)'),
        "the indices of a label must be 0, 1, 2, ...: found `f[1]`, expected index 0",
    ),
    "two stages of one name": (
        model('stage s "f.b#" = 2 of unit(4)', 'stage s "f.b#" = 2 of unit(4)'),
        "two stages are called `s`",
    ),
    "a stage's name in another's": (
        model('stage s "f.b#" = 2 of unit(4)', "stage s.t = 2 of unit(4)"),
        "the stage `s.t` would be a part of the stage `s`",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_stored_is_refused(case: str) -> None:
    text, message = REFUSED[case]
    with pytest.raises(SpecRefused) as caught:
        trials(text)
    assert [d.message for d in caught.value.diagnostics] == [message]
