"""Evaluates a run: opens its network, prepares the test images as those of the run were, and measures."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from resnetc.runtime import data as datasets
from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.data import Fit, ImageSet, MixedOutline, Outline
from resnetc.runtime.data.labels import shorten_name
from resnetc.runtime.data.preprocessing import Preprocessing
from resnetc.runtime.determinism import limit_threads
from resnetc.runtime.distributed import batch_shares
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluation.measure import measure
from resnetc.runtime.evaluation.multi_view import ViewBatches, choose_views
from resnetc.runtime.evaluation.result import Evaluation, raise_fault
from resnetc.runtime.inference.trained_run import LoadedRun, Weights, choose_device, load_run
from resnetc.runtime.input_pipeline.image_batches import TestBatches, open_test_batches
from resnetc.runtime.input_pipeline.splits import Split, use_to_test
from resnetc.runtime.input_pipeline.statistics import describe_preprocessing
from resnetc.runtime.model import dry_run
from resnetc.runtime.model.folding import compare_probabilities, fold_batch_norms
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.preprocessing_record import describe_missing_record
from resnetc.runtime.run.state_metadata import RunMetadata


def evaluate(
    out: Path,
    data: ImageSet | Outline | MixedOutline | None = None,
    *,
    weights: Weights | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    allow_imports: Iterable[str] = (),
    crops: int = 1,
    scales: Sequence[int] = (),
    folded: bool = False,
) -> Evaluation:
    """Evaluate the run in the folder `out` on the test images of `data`, by default of the data it was trained on.

    `weights` is `best` for those of the best epoch, or `last` for those of the last epoch or stop (the averaged ones
    if the recipe averages); by default the best if there are any, else the last. `batch_size` is the number of images
    at a time, by default the recipe's. Other data is prepared as that of the run was, with the same mean and scale;
    photographs of which the outline is given are resized and cropped in the same way. `allow_imports` names the modules
    of the user's own that the network may import. `crops` and `scales` are those of `multi_view.Views`. With `folded`
    batch norms are folded into convolutions before (`folding` of the result tells how many).

    Raises RunError if the folder, its files or the data are at fault, or do not fit one another.
    """
    torch_device = choose_device(device)
    run = load_run(out, weights=weights, device=torch_device, allow_imports=allow_imports)
    metadata = run.metadata
    if data is None:
        data = load_run_data(metadata)
        if data.fingerprint() != metadata["fingerprint"]:
            raise RunError(
                f"--data {metadata['data']}: no longer the data that {out} was trained on; pass its path with --data"
            )
    elif isinstance(data, Outline | MixedOutline):
        data = _read_as_in_run(data, metadata)
    batch_size = batch_size or metadata["recipe"].eval_batch_size
    dry_run.check_model(
        run.model, metadata["network"], data, batch_shares.compute_evaluation_share(len(data.test_labels), batch_size)
    )
    preprocessing = _choose_preprocessing(run, data)
    views = choose_views(crops, scales, preprocessing)
    test_labels = data.test_labels.to(torch_device)
    normaliser = Normaliser.from_record(preprocessing, torch_device)
    with limit_threads(metadata["recipe"].threads), ExitStack() as to_release:
        test_images = open_test_batches(data, metadata["recipe"], normaliser, torch_device, to_release)
        folding = _fold(run, test_images, range(min(batch_size, len(test_labels))), preprocessing) if folded else ""
        model: nn.Module = run.model
        scored: TestBatches = test_images
        if views is not None:
            model = nn.Identity()
            scored = ViewBatches(run.model, data, views=views, preprocessing=preprocessing, batch_size=batch_size)
        evaluation = measure(model, scored, test_labels, data.class_names, batch_size)
        return replace(evaluation, folding=folding)


@torch.no_grad()
def _fold(run: LoadedRun, test_images: TestBatches, part: range, preprocessing: Preprocessing) -> str:
    """Fold the network's batch norms, and compare what it says of some test images; how it went."""
    (batch,) = test_images.read_test([part])
    raise_fault(batch.fault)
    before = run.model(batch.images)
    folding = fold_batch_norms(run.model, str(run.folder.model_path))
    after = run.model(batch.images)
    difference = compare_probabilities(before, after, preprocessing.multi_label, str(run.folder.model_path))
    return str(replace(folding, difference=difference))


def load_run_data(metadata: RunMetadata) -> ImageSet:
    """The data that a run was trained on, if it is still there, as its network gets it."""
    axes = len(metadata["shape"]) - 1
    return _read_as_in_run(datasets.read_outline(*datasets.parse_argument(metadata["data"]), axes), metadata)


def _read_as_in_run(outline: Outline | MixedOutline, metadata: RunMetadata) -> ImageSet:
    """The data, photographs resized and cropped as those of the run."""
    recipe = metadata["recipe"]
    if isinstance(outline, MixedOutline) or outline.fit is not None:  # photographs
        record, (_, height, width) = metadata["preprocessing"], metadata["shape"]
        outline = outline.at(Fit((height, width), None if record is None else record.resize))
    split = Split.for_evaluation(recipe, outline)
    return use_to_test(outline.read()) if split is None else split.apply(outline).read()


def _choose_preprocessing(run: LoadedRun, data: ImageSet) -> Preprocessing:
    """The record of the run; that of a run of an earlier version, which has none, is measured on its own data."""
    preprocessing = run.preprocessing
    if preprocessing is None:
        if data.fingerprint() != run.metadata["fingerprint"]:
            raise RunError(describe_missing_record(run.folder, run.weights))
        return describe_preprocessing(data, run.metadata["recipe"])
    if len(preprocessing.mean) != preprocessing.channels and preprocessing.size != data.size:
        raise RunError(
            f"{data.name} has images of {'x'.join(map(str, data.size))}, but {run.folder.path} subtracts a mean per "
            f"pixel of {'x'.join(map(str, preprocessing.size))}"
        )
    if preprocessing.multi_label != (data.test_labels.ndim == 2):
        words = ("any number of classes", "one class")
        run_words, data_words = words if preprocessing.multi_label else words[::-1]
        raise RunError(
            f"an image of {data.name} has {data_words}, but {run.folder.path} was trained on images with {run_words}"
        )
    _check_names(preprocessing.classes, data, run.folder)
    return preprocessing


def _check_names(classes: tuple[str, ...], data: ImageSet, run: RunFolder) -> None:
    """RunError where a label means another class than in training; classes without names are numbers."""
    numbers = tuple(map(str, range(len(classes))))
    if data.class_names in (classes, numbers) or classes == numbers:
        return
    label = next(label for label, name in enumerate(classes) if name != data.class_names[label])
    raise RunError(
        f"{data.name}: class {label} is {shorten_name(data.class_names[label])}, but {run.path} was trained with "
        f"{shorten_name(classes[label])} there"
    )
