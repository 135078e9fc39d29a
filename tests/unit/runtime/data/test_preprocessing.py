"""The record of how inputs are prepared: exact when read back, and nothing in it taken on trust."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.data.preprocessing import Preprocessing, parse_preprocessing, read_preprocessing
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.statistics import describe_preprocessing, measure_statistics
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import train_state
from resnetc.runtime.train import train

CPU = torch.device("cpu")
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def records(draw: st.DrawFn) -> Preprocessing:
    """Any record."""
    kind, axes = draw(st.sampled_from((("signal", 1), ("image", 2), ("volume", 3))))
    channels = draw(st.integers(1, 4))
    size = tuple(draw(st.lists(st.integers(1, 4), min_size=axes, max_size=axes)))
    means = draw(st.sampled_from((channels, channels * math.prod(size))))
    low, high = sorted(draw(st.lists(FLOATS, min_size=2, max_size=2, unique_by=lambda x: x + 0.0)))
    return Preprocessing(
        kind=kind,
        channels=channels,
        size=size,
        resize=draw(st.none() | st.integers(max(size), 9)),
        interpolation=draw(st.sampled_from(("nearest", "bilinear", "bicubic"))),
        exif=draw(st.booleans()),
        range=(low, high),
        mean=tuple(draw(st.lists(FLOATS, min_size=means, max_size=means))),
        scale=tuple(draw(st.lists(FLOATS, min_size=channels, max_size=channels))),
        classes=tuple(draw(st.lists(st.text(), min_size=1, max_size=4))),
        data=draw(st.text()),
        dtype=draw(st.sampled_from(("uint8", "float32"))),
        multi_label=draw(st.booleans()),
    )


@given(records())
def test_a_record_is_read_back_to_the_last_bit(record: Preprocessing) -> None:
    assert parse_preprocessing(json.loads(record.to_text()), "here") == record


@pytest.mark.parametrize("kind", ["channel", "pixel"])
def test_images_are_normalised_by_the_record_as_by_the_statistics(kind: str, few: Data) -> None:
    mean, scale = measure_statistics(few.train_images, kind)
    record = describe_preprocessing(few, Recipe(normalise=kind))
    read = parse_preprocessing(json.loads(record.to_text()), "here")
    expected = Normaliser(mean, scale)(few.test_images)
    assert torch.equal(Normaliser.from_record(read, CPU)(few.test_images), expected)
    pixels = few.train_images.double().numpy()
    centre = pixels.mean(0 if kind == "pixel" else (0, 2, 3), keepdims=True)
    by_hand = (few.test_images.double().numpy() - centre) / pixels.std((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(expected.numpy(), by_hand, atol=1e-5)


@pytest.mark.parametrize("size", [(5,), (2, 3), (2, 3, 4)])
def test_inputs_of_one_to_three_axes_are_normalised(size: tuple[int, ...]) -> None:
    values = torch.arange(2 * 2 * math.prod(size), dtype=torch.float32).view(2, 2, *size)
    kept = values.clone()
    mean: Tensor = torch.tensor([1.0, 2.0]).view(*(1 for _ in size), 2)
    normalised = Normaliser(mean, torch.tensor([0.5, 4.0]))(values)
    assert torch.equal(normalised[:, 0], (kept[:, 0] - 1) * 0.5)
    assert torch.equal(normalised[:, 1], (kept[:, 1] - 2) * 4)
    assert torch.equal(values, kept)  # what is passed stays as it was


def test_a_run_has_its_record_in_a_file_and_in_the_metadata_of_both_checkpoints(
    source: str, few: Data, tmp_path: Path
) -> None:
    recipe = Recipe(epochs=1, batch_size=50, normalise="pixel")
    train(source, "small", few, recipe, tmp_path / "run", quiet=True)
    record = describe_preprocessing(few, recipe)
    assert record.classes == tuple("abcdefghij") and (record.size, record.channels) == ((8, 8), 1)
    assert read_preprocessing(tmp_path / "run" / "preprocessing.json") == record
    for name in ("last.ckpt", "best.safetensors"):
        assert train_state.load(tmp_path / "run" / name)[1]["preprocessing"] == record


GOOD = Preprocessing(
    "image", 3, (8, 6), None, "bilinear", True, (0.0, 255.0), (1.0, 2.0, 3.0), (0.5, 0.5, 0.5), ("a", "b"), "digits"
).to_json()


def many(count: int, value: object) -> list[object]:
    return [value] * count


CRAFTED = {  # what a stranger may have written: the change, and what is said of it
    "no version": ({"version": None}, "`version` is null; this resnetc reads versions 1 to 2"),
    "a version as text": ({"version": "2"}, '`version` is "2"; this resnetc reads versions 1 to 2'),
    "of tomorrow": ({"version": 3}, "`version` is 3"),
    "a version that equals 1": ({"version": True}, "`version` is true"),
    "another kind": ({"kind": "pickle"}, '`kind` must be one of signal, image, volume, not "pickle"'),
    "a kind that is a list": ({"kind": ["image"]}, "`kind` must be one of"),
    "a size too few": ({"size": [8]}, "`size` must have 2 numbers (`kind` is image), not 1"),
    "no size": ({"size": []}, "`size` must be a list of one to three numbers"),
    "a size of nothing": ({"size": [0, 8]}, "`size` must be"),
    "a negative size": ({"size": [8, -1]}, "`size` must be"),
    "a broken size": ({"size": [8, 6.5]}, "`size` must be"),
    "a huge size": ({"size": [10**12, 8]}, "`size` must be"),
    "huge in its product": ({"size": [1 << 14, 1 << 14]}, "an input of 805,306,368 values; the limit is 67,108,864"),
    "many sizes": ({"size": many(10**5, 1)}, "not a list of 100,000"),
    "many channels": ({"channels": 10**9}, "`channels` must be a number from 1 to 16,384, not 1000000000"),
    "no channels": ({"channels": 0}, "`channels` must be"),
    "channels that are true": ({"channels": True}, "`channels` must be"),
    "other channels": ({"channels": 1}, "`mean` has 3 numbers; expected 1, or 48"),
    "a resize of nothing": ({"resize": 0}, "`resize` must be null, or a number"),
    "a resize that is too small": ({"resize": 7}, "`resize` is 7, less than the crop of 8"),
    "a huge resize": ({"resize": 10**9}, "`resize` must be"),
    "a resize that is a text": ({"resize": "8"}, "`resize` must be"),
    "another filter": ({"interpolation": "\x1b[31m"}, r"not \"\u001b[31m\""),
    "exif that is a number": ({"exif": 1}, "`exif` must be true or false"),
    "a mean that is no number": ({"mean": [math.nan, 1.0, 2.0]}, "`mean` must be a list of finite float32 numbers"),
    "an endless mean": ({"mean": [math.inf, 1.0, 2.0]}, "`mean` must be"),
    "a mean beyond float32": ({"mean": [1e39, 1.0, 2.0]}, "`mean` must be"),
    "a mean between two of float32": ({"mean": [0.1, 1.0, 2.0]}, "`mean` must be"),
    "a mean of texts": ({"mean": ["1", "2", "3"]}, "`mean` must be"),
    "a mean of other length": ({"mean": many(4, 0.0)}, "`mean` has 4 numbers; expected 3, or 144"),
    "a mean that is a number": ({"mean": 0.0}, "`mean` must be"),
    "a scale of other length": ({"scale": many(2, 1.0)}, "`scale` has 2 numbers; expected 3"),
    "a scale that is no number": ({"scale": [math.nan] * 3}, "`scale` must be"),
    "a range of nothing": ({"range": [0, 0]}, "`range` must be"),
    "an endless range": ({"range": [-math.inf, math.inf]}, "`range` must be"),
    "many classes": ({"classes": many(10_001, "a")}, "`classes` must be a list of 1 to 10,000 names"),
    "no classes": ({"classes": []}, "`classes` must be"),
    "classes that are a number": ({"classes": 10**9}, "`classes` must be"),
    "a long class": ({"classes": ["a" * 1001]}, "`classes` must be"),
    "a class that is a number": ({"classes": [1]}, "`classes` must be"),
    "data that is a list": ({"data": []}, "`data` must be a string"),
    "long data": ({"data": "a" * 10_001}, "`data` must be a string"),
    "other numbers": ({"dtype": "float64"}, '`dtype` must be uint8 or float32, not "float64"'),
    "numbers that are a list": ({"dtype": ["uint8"]}, "`dtype` must be"),
    "many labels, in words": ({"multi_label": "yes"}, "`multi_label` must be true or false"),
    "a later key": ({"version": 1}, "unknown key `dtype`"),
    "another key": ({"\x1b[2Jpayload": 1}, r"unknown key `\x1b[2Jpayload`"),
}


def test_a_record_of_version_1_is_read_as_it_was_then() -> None:
    """It took numbers from 0 to 255 for bytes."""
    first = {key: value for key, value in GOOD.items() if key not in ("dtype", "multi_label")} | {"version": 1}
    assert parse_preprocessing(first, "here").to_json() == GOOD
    other = parse_preprocessing(first | {"range": [0.0, 1.0]}, "here")
    assert (other.dtype, other.multi_label) == ("float32", False)


@pytest.mark.parametrize("case", CRAFTED)
def test_what_no_run_writes_is_refused_in_one_message(case: str, tmp_path: Path) -> None:
    change, words = CRAFTED[case]
    path = tmp_path / "preprocessing.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(RunError) as refused:
        read_preprocessing(path)
    text = str(refused.value)
    assert words.replace('\\"', '"') in text and text.startswith(str(path)) and "\n" not in text and len(text) < 400
    missing = {key: value for key, value in GOOD.items() if key not in change}
    if "another key" != case:
        with pytest.raises(RunError, match="is missing|`version` is null"):
            parse_preprocessing(missing, "here")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "damaged, or not JSON"),
        ("[" * 100_000, "damaged, or not JSON"),
        ("[]", "not a preprocessing record: expected an object"),
        ('{"version": 1e999}', "`version` is Infinity"),
        ('{"version": ' + "1" * 5000 + "}", "damaged, or not JSON"),
        ("\udcff", "damaged, or not JSON"),
    ],
)
def test_a_file_that_is_no_record_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "preprocessing.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match=words):
        read_preprocessing(path)


def test_names_may_be_any_text() -> None:
    record = replace(parse_preprocessing(GOOD, "here"), classes=("\ud800", "\x1b[31m", "a\nb", ""))
    assert parse_preprocessing(json.loads(record.to_text()), "here") == record
