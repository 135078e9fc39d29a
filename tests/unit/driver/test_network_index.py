"""Names of shipped networks as SPECs: what they mean, what goes before them, and that none is expanded to find out."""

import argparse
import json
from pathlib import Path

import pytest

import resnetc
from resnetc.cli.main import main
from resnetc.cli.train import read_module
from resnetc.compiler.driver import network_index
from resnetc.compiler.driver.session import Session
from resnetc.compiler.expansion.expander import Expander
from resnetc.compiler.loader.loader import Loader, list_shipped
from resnetc.runtime import data
from resnetc.runtime.recipe import recipe_file
from tests.support import run_command

ROOT = Path(__file__).parents[3]
SMALL = """edition 1
use std.blocks

model resnet50(classes: int = 10) {
  input [3, H, W] = [3, 16, 16]
  stem = conv(8, kernel=3) |> norm |> act
  stage layer1 = 2 of blocks.basic(8)
  head = global_avg_pool |> fc: linear(classes)
}
"""


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is expanded, and which files are read."""
    done: list[str] = []
    expand, read = Expander.build_network, Loader.read_source

    def expanded(self):
        done.append(self.request.name)
        return expand(self)

    def opened(self, path, name):
        done.append(name)
        return read(self, path, name)

    monkeypatch.setattr(Expander, "build_network", expanded)
    monkeypatch.setattr(Loader, "read_source", opened)
    return done


def shown(*words: str) -> tuple[str, str]:
    """The first line of what a command prints, and all it says besides."""
    status, out, err = run_command("show", *words)
    assert status == 0
    return out.split("\n")[0], err


def refused(*words: str) -> str:
    status, _, err = run_command(*words)
    assert status in (1, 2)
    return err


def rows(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The words of each line of a list, without its head."""
    return [line.split() for line in capsys.readouterr().out.splitlines()[3:] if line]


# -- the file ---------------------------------------------------------------------------------------------------------


def test_every_name_is_found_in_the_spec_that_is_meant() -> None:
    index = network_index.load_index()
    names = [*dict.fromkeys(network.name for network in index.networks), *index.names]
    assert {"resnet50", "resnest50d", "cifar_depth20", "resnet1202", "digits"} < set(names)
    read = Session()
    for name in list_shipped():
        read.add(name)
    for name in names:
        first, *others = index.find_networks(name)
        session = Session(loaded_before=read.loader.list_loaded_shipped())
        session.add(name)
        (entry,) = session.entries
        if name in list_shipped():  # the spec goes before the network
            assert entry.network is None
            continue
        assert (entry.title, entry.network) == (first.spec, first.name)
        assert [request.name for request in session._list_requests(entry, [])] == [first.name]
        assert all(network_index.rank_folder(other.spec) >= network_index.rank_folder(first.spec) for other in others)


def test_imagenet_goes_before_cifar_and_the_zoo_last() -> None:
    specs = ["zoo/timm/resnet", "digits", "cifar/resnet", "imagenet/resnet50"]
    assert sorted(specs, key=network_index.rank_folder) == specs[::-1]


@pytest.mark.parametrize(
    ("names", "at_fault"),
    [({"resnet50": "cifar_depth20"}, "resnet50"), ({"new": "nothing"}, "new"), ({"other": "resnet50"}, "other")],
)
def test_a_further_name_is_new_and_leads_to_one_network(names, at_fault, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(json.dumps(names))
    with pytest.raises(ValueError, match=f"names.json: `{at_fault}` is a network itself, or"):
        network_index.read_aliases(list(network_index.load_index().networks), tmp_path / "names.json")


# -- what a name means ------------------------------------------------------------------------------------------------

ALSO = "others with this name: `zoo/timm/resnet --model resnet50`, `zoo/torchvision/resnet --model resnet50`"


@pytest.mark.parametrize(
    ("name", "headline", "notes"),
    [
        ("resnet50", "resnet50  (imagenet/resnet50)", f"note: resnet50 means the one in imagenet/resnet50; {ALSO}\n"),
        ("resnest50d", "resnest50d  (zoo/timm/resnest)", ""),
        ("seresnext50_32x4d", "seresnext50_32x4d  (zoo/timm/resnet)", ""),
        ("resnet20", "cifar_depth20  (cifar/resnet)", "note: resnet20 is cifar_depth20 of cifar/resnet\n"),
        ("wrn_depth28", "wrn_depth28  (cifar/wrn)", ""),
        ("digits", "digits  (digits)", ""),
    ],
)
def test_a_name_is_that_of_a_network(name: str, headline: str, notes: str, folder: Path) -> None:
    assert shown(name) == (headline, notes)


def test_a_path_goes_before_a_name(folder: Path) -> None:
    (folder / "resnet50").write_text(SMALL)
    assert shown("resnet50") == ("resnet50  (resnet50)", "")


def test_a_file_of_the_working_folder_goes_before_a_name(folder: Path) -> None:
    (folder / "resnet50.resnet").write_text(SMALL)
    note = "note: resnet50 means the file resnet50.resnet here; the shipped network is imagenet/resnet50\n"
    assert shown("resnet50") == ("resnet50  (resnet50.resnet)", note)
    assert resnetc.compile("resnet50").checked.title == "resnet50.resnet"


def test_a_folder_of_that_name_says_where_the_network_is(folder: Path) -> None:
    (folder / "resnest50d").mkdir()
    said = refused("show", "resnest50d")
    assert "error[E0508]: resnest50d contains no `.resnet` files" in said
    assert "= help: the shipped network with this name is `zoo/timm/resnest --model resnest50d`" in said


def test_every_command_takes_a_name(folder: Path, capsys) -> None:
    assert main(["check", "resnet20", "resnet32", "resnest14d"]) == 0
    assert capsys.readouterr().out == "2 files, 3 networks: all proved\n"
    assert main(["compile", "resnest14d", "resnest14d", "-o", "."]) == 0
    assert capsys.readouterr().out == "resnest14d.py\n"
    text = (folder / "resnest14d.py").read_text()
    assert main(["compile", "zoo/timm/resnest", "--model", "resnest14d", "-o", "-"]) == 0
    assert capsys.readouterr().out == text
    assert 'SPEC = "zoo/timm/resnest"' in text


def test_training_compiles_the_network_of_a_name_for_the_data(capsys) -> None:
    options = argparse.Namespace(spec="resnet20", model=None, settings=[])
    source, network, _ = read_module(options, data.read_outline("digits", None), recipe_file.load("digits", []))
    assert network == "cifar_depth20_channels1" and 'SPEC = "cifar/resnet"' in source
    note = "note: cifar_depth20_channels1: from the data: classes = 10, channels = 1, input 8x8\n"
    assert capsys.readouterr().err == f"{note}note: resnet20 is cifar_depth20 of cifar/resnet\n"


def test_a_name_takes_settings_and_its_own_model() -> None:
    headline, _ = shown("resnet20", "--set", "width=8", "--set", "shortcut=none")
    assert headline == "cifar_depth20_width8_shortcut_none  (cifar/resnet)"
    for model in ("resnet50", "resnet50_classes10"):
        headline, _ = shown("resnet50", "--set", "classes=10", "--model", model)
        assert headline == "resnet50_classes10  (imagenet/resnet50)"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["show", "resnest50d", "--model", "resnet50"],
            "resnetc: `--model resnet50` is not the network that the SPEC names, `resnest50d`: remove one of them\n",
        ),
        (
            ["compile", "resnet20", "resnet32", "--model", "cifar_depth44"],
            "resnetc: `--model cifar_depth44` is not the network that the SPEC names,"
            " `cifar_depth20`, `cifar_depth32`: remove one of them\n",
        ),
        (
            ["show", "resnet20", "--set", "depth=56"],
            "resnetc: `cifar_depth20` is `cifar` with depth = 20: name `cifar/resnet` to set it\n",
        ),
        (
            ["fmt", "resnest50d"],
            "resnetc: `resnest50d` is a shipped network: `fmt` rewrites files, so pass the path of a file\n",
        ),
    ],
)
def test_what_a_name_forbids(words: list[str], message: str) -> None:
    assert refused(*words) == message


def test_the_python_api_takes_names() -> None:
    assert resnetc.compile("resnest14d").checked.title == "zoo/timm/resnest"
    assert resnetc.compile("resnet20", classes=5).network.name == "cifar_depth20_classes5"
    with pytest.raises(ValueError, match="`cifar_depth20` is `cifar` with depth = 20"):
        resnetc.compile("resnet20", depth=56)


# -- what is meant by a name that there is not ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("ResNet50", "the shipped network is `resnet50`"),
        ("resnet-50", "the shipped network is `resnet50`"),
        ("SE-ResNeXt50_32x4d", "the shipped network is `seresnext50_32x4d`"),
        ("resnet50v1", "the shipped network is `resnet50_v1`"),
        ("ResNet-20", "the shipped network is `resnet20`"),
        ("wrn", "the shipped spec is `cifar/wrn`"),
        ("Imagenet/ResNet50", "the shipped spec is `imagenet/resnet50`"),
        ("resnet19", "a similar shipped network exists: `resnet18`"),
        ("resnets50d", "a similar shipped network exists: `resnet50d`"),
        ("timm/resnet50", "the shipped network with this name is `zoo/timm/resnet --model resnet50`"),
        ("imagenet/resnest50d", "the shipped network with this name is `zoo/timm/resnest --model resnest50d`"),
        ("mine", "the file is `mine.resnet`"),
        ("mine.resnt", "the file is `mine.resnet`"),
        ("mini.resnet", "a similar spec exists: `mine.resnet`"),
        ("b.resnet", "`resnetc list` lists the shipped specs and networks"),
        ("resnet50.resnet", "the shipped network is `resnet50`"),
    ],
)
def test_another_spelling_is_suggested(name: str, help: str, folder: Path) -> None:
    for beside in ("a.resnet", "mine.resnet"):
        (folder / beside).write_text(SMALL)
    said = refused("show", name)
    assert f"error[E0507]: {name} is not a file, a directory or a shipped spec or network\n" in said
    assert f"\n   = help: {help}\n" in said


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_a_name_opens_no_more_than_its_spec(work: list[str], folder: Path) -> None:
    assert main(["show", "imagenet/resnet50"]) == 0
    alone = work[:]
    work.clear()
    assert main(["show", "resnet50"]) == 0
    assert work == alone and work.count("resnet50") == 1


def test_neither_a_list_nor_a_misspelt_name_opens_a_spec(work: list[str], folder: Path, capsys) -> None:
    Session()
    opening = work[:]  # the prelude
    work.clear()
    assert main(["show", "resnets50d"]) == 1
    assert work == opening
    work.clear()
    assert main(["list"]) == 0
    assert work == []
    assert len(rows(capsys)) == len(network_index.load_index().networks)


def test_changed_specs_are_listed_as_they_are(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(network_index, "compute_digest", lambda: "of other texts")
    monkeypatch.setattr("resnetc.compiler.loader.loader.list_shipped", lambda: ["digits", "imagenet/resnet18"])
    assert main(["list"]) == 0
    assert [row[:2] for row in rows(capsys)] == [["digits", "digits"], ["imagenet/resnet18", "resnet18"]]


def test_a_list_finds_further_names(capsys) -> None:
    assert main(["list", "resnet44"]) == 0
    (row,) = rows(capsys)
    assert row[:3] == ["cifar/resnet", "cifar_depth44,", "resnet44"]


def test_an_index_that_is_older_than_its_specs_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    known = network_index.load_index()
    gone = network_index.ListedNetwork("gone", "imagenet/resnet18", 1, 1, (3, 2, 2), "every H")
    changed = network_index.Index(known.specs, known.names, (*known.networks, gone))
    monkeypatch.setattr(network_index, "load_index", lambda: changed)
    said = refused("check", "gone")
    assert said == "resnetc: imagenet/resnet18 has no network `gone`: the index of shipped specs is stale\n"
