"""The digits: the split, and what the reader refuses."""

from pathlib import Path

import pytest
import torch

from resnetc.cli.main import main
from resnetc.runtime import data
from resnetc.runtime.errors import RunError
from tests.support import outline_of


def test_split_is_1437_and_360_and_fair_to_every_class(digits: data.Data) -> None:
    assert (len(digits.train_labels), len(digits.test_labels)) == (1437, 360)
    total = torch.bincount(digits.train_labels) + torch.bincount(digits.test_labels)
    share = total.double() * 360 / 1797
    assert (torch.bincount(digits.test_labels) - share).abs().max() < 1
    assert total.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_split_never_moves(digits: data.Data) -> None:
    assert digits.fingerprint() == "b43eb5eac98a90c82bef8ee995d111852312ffd602c251025660ecb5fcbcd953"


def test_no_image_is_lost_or_in_both_parts(digits: data.Data) -> None:
    from sklearn.datasets import load_digits

    both = torch.cat([digits.train_images, digits.test_images]).flatten(1)
    assert sorted(map(bytes, both.numpy())) == sorted(bytes((15 * row).astype("uint8")) for row in load_digits().data)
    assert both.max() == 240


def test_every_call_gives_the_same_set(digits: data.Data) -> None:
    assert data.load("digits").fingerprint() == digits.fingerprint()
    assert (digits.classes, digits.channels, digits.size) == (10, 1, (8, 8))
    assert digits.argument == "digits"
    assert data.read_outline("digits") == outline_of(digits)


def test_a_path_is_refused() -> None:
    with pytest.raises(RunError, match="take no path") as caught:
        data.load("digits", Path("somewhere"))
    assert caught.value.status == 2


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(RunError, match="a similar name exists: `digits`"):
        data.load("digit")


def test_an_empty_name_is_not_the_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--data", "--recipe"):  # of a variable that a script forgot to set
        assert main(["train", "digits", option, "", "--out", str(tmp_path / "run")]) in (1, 2)
        assert capsys.readouterr().err.startswith(f"error: {option} : no such")
    assert not (tmp_path / "run").exists()


def test_split_of_the_argument() -> None:
    assert data.parse_argument("digits") == ("digits", None)
    assert data.parse_argument("npz:a:b.npz") == ("npz", Path("a:b.npz"))
    with pytest.raises(RunError, match="expected a path after the colon"):
        data.parse_argument("npz:")


def test_data_refuses_labels_and_shapes_that_do_not_fit() -> None:
    images, labels = torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 2, 3])
    with pytest.raises(ValueError, match="outside"):
        data.Data("npz", None, ("a", "b", "c"), images, labels, images, labels)
    with pytest.raises(ValueError, match="differ in shape"):
        data.Data("npz", None, tuple("abcd"), images, labels, images[:, :, :1], labels)
