"""Evaluation on several views of each test image: ten crops, and whole images at several sizes.

The probabilities of the views are averaged, as AlexNet did with ten crops and ResNet with five sizes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.data import ImageSet, decode
from resnetc.runtime.data.files import MAX_SIDE
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.data.preprocessing import Preprocessing
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.image_batches import Batch

MAX_SCALES = 32


@dataclass(frozen=True, slots=True)
class Views:
    """Which views: `crops` is 10 for the four corners and the centre, each mirrored too; or 1 for the whole image.

    scales: the lengths to which the shorter side of an image is resized, one after the other.
    """

    crops: int
    scales: tuple[int, ...]


def choose_views(crops: int, scales: Sequence[int], preprocessing: Preprocessing) -> Views | None:
    """The views that are asked for; None for the one view of every evaluation. RunError if a run cannot have them."""
    if crops == 1 and not scales:
        return None
    if preprocessing.kind != "image" or preprocessing.channels not in decode.MODES:
        raise RunError("--crops and --scales are for images of 1 or 3 channels", status=2)
    if len(scales) > MAX_SCALES or any(not 0 < scale <= MAX_SIDE for scale in scales):
        raise RunError(f"--scales: at most {MAX_SCALES} lengths from 1 to {MAX_SIDE:,} pixels", status=2)
    least = max(preprocessing.size)
    if crops == 1:
        if len(preprocessing.mean) != preprocessing.channels:
            raise RunError(
                "--scales: the run subtracts a mean per pixel, so all images have one size (use --crops 10); a run "
                "with normalise: channel takes others"
            )
        return Views(crops, tuple(scales))
    chosen = tuple(scales) or ((preprocessing.resize,) if preprocessing.resize else ())
    if not chosen or min(chosen) <= least:
        raise RunError(
            f"--crops 10: crops of {'x'.join(map(str, preprocessing.size))} are cropped from larger images: set the "
            f"length of the shorter side, above {least}: --scales {least * 8 // 7 + 1}",
            status=2,
        )
    return Views(crops, chosen)


class ViewBatches:
    """The test images of a set, already scored: `read_test` gives scores of the mean probabilities: their
    logarithms, or of several labels their logits."""

    def __init__(
        self, model: nn.Module, data: ImageSet, views: Views, preprocessing: Preprocessing, batch_size: int
    ) -> None:
        if not isinstance(data, Photographs) and data.read_test_image(0).dtype != torch.uint8:
            raise RunError("--crops and --scales are for uint8 images", status=2)
        self._model, self._data, self._views = model.eval(), data, views
        self._preprocessing, self._batch_size = preprocessing, batch_size
        self._device = next(model.parameters()).device
        self._normalise = Normaliser.from_record(preprocessing, self._device)

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part the scores of its images, [N, classes]."""
        for part in parts:
            try:
                yield Batch(self._score(part))
            except RunError as fault:
                yield Batch(torch.empty(0), fault)

    def _score(self, part: range) -> Tensor:
        sums = torch.zeros(len(part), self._data.classes, dtype=torch.float64, device=self._device)
        waiting: dict[tuple[int, ...], list[tuple[int, decode.Pixels]]] = {}  # views of one shape, with their rows
        count = 0
        for row, index in enumerate(part):
            views = self._cut(index)
            count = len(views)
            for view in views:
                queue = waiting.setdefault(view.shape, [])
                queue.append((row, view))
                if len(queue) == self._batch_size:
                    self._add(sums, waiting.pop(view.shape))
        for queue in waiting.values():
            self._add(sums, queue)
        mean = sums / count
        return mean.logit() if self._preprocessing.multi_label else mean.log()

    def _cut(self, index: int) -> list[decode.Pixels]:
        """The views of a test image, uint8 [height, width, channels]."""
        image = self._open(index)
        height, width = self._preprocessing.size
        views = []
        for scale in self._views.scales:
            factor = scale / min(image.height, image.width)
            size = (max(scale, round(image.height * factor)), max(scale, round(image.width * factor)))
            box = (0.0, 0.0, float(image.width), float(image.height))
            whole = decode.crop_and_resize(image, box, size, self._preprocessing.interpolation)
            if self._views.crops == 1:
                views.append(whole)
                continue
            bottom, right = size[0] - height, size[1] - width
            for top, left in ((0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)):
                crop = whole[top : top + height, left : left + width]
                views += [crop, crop[:, ::-1]]
        return views

    def _open(self, index: int) -> decode.MemoryImage:
        if not isinstance(self._data, Photographs):
            return decode.wrap_pixels(self._data.read_test_image(index).permute(1, 2, 0).contiguous().numpy())
        with self._data.test.open(index) as picture:
            return decode.MemoryImage(picture.read(1, (0, 0, picture.width, picture.height)))

    def _add(self, sums: Tensor, views: Sequence[tuple[int, decode.Pixels]]) -> None:
        """Add the probabilities of views of one shape to the rows of their images."""
        pixels = torch.from_numpy(np.stack([view for _, view in views])).to(self._device)
        try:
            scores = self._model(self._normalise(pixels.permute(0, 3, 1, 2))).double()
        except (RuntimeError, ValueError) as fault:
            first = str(fault).strip().split("\n")[0]
            size = "x".join(map(str, pixels.shape[1:3]))
            raise RunError(f"--scales: the network does not accept images of {size}: {first}") from fault
        rows = torch.tensor([row for row, _ in views], device=self._device)
        sums.index_add_(0, rows, scores.sigmoid() if self._preprocessing.multi_label else scores.softmax(1))
