"""How fast photographs are decoded and cropped, against a plain Pillow loop: one process, one thread, arms interleaved.

    python benchmarks/decoding.py [--rounds 7] [--images 32]

`plain` is the loop that most people write: `Image.open(path).convert("RGB")`, a resize and a crop, an array. `ours`
reads the same file for the same batch; `pack` reads the same image from a pack that was read before. For each size of
photographs (JPEGs, quality 90, with detail of every scale) there are four ways to crop: `evaluation`, the short side
resized to side / 0.875 and the centre cut out; `random`, a random resized crop of scale 0.08 to 1; `resize`, a random
crop that is the whole image; `cut`, one of the size that is asked for. Both sides get the same boxes. Each round runs
all arms in turn, every second one backwards, and a figure is the median of the rounds' ratios, with the least and the
largest. Each line is measured in a process of its own: where the allocator puts the decoder's line depends on what came
before, and decides up to a fifth of the time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image, features

from resnetc.runtime.augmentation.resized_crops import RandomCrops, read_crops
from resnetc.runtime.data.decode import Pixels, Region, resize_and_crop
from resnetc.runtime.data.image_folder import FolderPictures
from resnetc.runtime.data.pack import Pack, PackPictures
from resnetc.runtime.data.pack_writer import write_pack
from resnetc.runtime.data.photographs import Pictures
from resnetc.runtime.run import environment

SIZES = ((40, 50), (80, 100), (160, 200), (400, 500), (800, 1000))  # height, width
SIDES = (32, 64, 128, 224)
CROPS = ("evaluation", "random", "resize", "cut")
BILINEAR = Image.Resampling.BILINEAR
Arm = Callable[[], object]


def make_photograph(random: np.random.Generator, height: int, width: int) -> Image.Image:
    """Noise of every scale, as in a photograph: coarse is strong, fine is weak."""
    pixels = np.zeros((height, width, 3), np.float32)
    for cell in (4, 8, 16, 32, 64, 128):
        grid = random.integers(0, 256, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
        pixels += np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC), np.float32) * cell
    pixels = pixels / 252 + random.normal(0, 4, (height, width, 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def choose_box(crop: str, draws: list[tuple[int, int, int, int]], height: int, width: int, side: int) -> Region:
    """The part of a photograph that is resized to the side; of `evaluation` the centre of the resized image."""
    if crop == "random":
        return RandomCrops(0, (0.08, 1.0), (3 / 4, 4 / 3)).choose_box(draws, height, width)
    if crop == "cut":
        left, top = (width - side) // 2, (height - side) // 2
        return left, top, left + side, top + side
    return 0, 0, width, height


def crop_plainly(path: Path, crop: str, box: Region, side: int) -> Pixels:
    """What most people write."""
    image = Image.open(path).convert("RGB")
    if crop == "evaluation":
        scale = side / 0.875 / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), BILINEAR)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    else:
        image = image.crop(box)
        if crop != "cut":
            image = image.resize((side, side), BILINEAR)
    return np.array(image)


def make_arms(files: list[Path], pack: Pictures, crop: str, side: int, height: int, width: int) -> dict[str, Arm]:
    """The three sides; each gives a batch of all photographs."""
    folder = FolderPictures(tuple(files), 3, None)
    draws = RandomCrops(0, (0.08, 1.0), (3 / 4, 4 / 3)).draw(0, range(len(files)))
    boxes = [choose_box(crop, draws[index], height, width, side) for index in range(len(files))]

    def plain() -> Pixels:
        return np.stack([crop_plainly(file, crop, box, side) for file, box in zip(files, boxes, strict=True)])

    def read(pictures: Pictures) -> Pixels:
        if crop != "evaluation":
            return read_crops(pictures, range(len(files)), lambda row, height, width: boxes[row], (side, side))
        batch = np.empty((len(files), side, side, 3), np.uint8)
        for index in range(len(files)):
            with pictures.open(index) as picture:
                batch[index] = resize_and_crop(picture, round(side / 0.875), (side, side), "bilinear")
        return batch

    return {"plain": plain, "folder": lambda: read(folder), "pack": lambda: read(pack)}


def measure(arm: Arm) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    arm()
    return time.process_time() - start


def write_photographs(folder: Path, height: int, width: int, images: int) -> tuple[list[Path], Pictures]:
    """The files of a set, and the same from a pack, of which all was read once."""
    random = np.random.default_rng(0)
    for part in ("train", "test"):
        (folder / part / "a").mkdir(parents=True)
        for number in range(images if part == "train" else 1):
            make_photograph(random, height, width).save(folder / part / "a" / f"{number:03}.jpg", quality=90)
    write_pack(folder, folder / "a.pack")
    return sorted((folder / "train" / "a").iterdir()), PackPictures(Pack(folder / "a.pack"), 0, images)


def main() -> None:
    """Measures and prints."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--images", type=int, default=32)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    where = environment.describe(torch.device("cpu"))
    versions = f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}, numpy {np.__version__}"
    print(f"{where['processor']}; CPython {platform.python_version()}, {versions}")
    print(f"n = {options.rounds} rounds of {options.images} photographs; CPU us a photograph, and plain / ours")
    print(
        f"{'photograph':>10} {'crop':<11} {'side':>4} {'plain':>8} {'folder':>8} {'pack':>8}  from the folder / a pack"
    )
    processes = multiprocessing.get_context("fork")
    for height, width in SIZES:
        with tempfile.TemporaryDirectory() as name:
            files, pack = write_photographs(Path(name), height, width, options.images)
            for crop in CROPS:
                for side in SIDES:
                    if side <= (height if crop == "cut" else 2 * height):
                        arms = make_arms(files, pack, crop, side, height, width)
                        one = processes.Process(
                            target=report_arms, args=(f"{width}x{height}", crop, side, options, arms)
                        )
                        one.start()
                        one.join()
                        if one.exitcode:
                            raise SystemExit(one.exitcode)


def report_arms(photograph: str, crop: str, side: int, options: argparse.Namespace, arms: dict[str, Arm]) -> None:
    """One line of the table."""
    batches = {name: arm() for name, arm in arms.items()}
    assert np.array_equal(batches["folder"], batches["pack"])  # type: ignore[arg-type]
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(options.rounds):
        for name in list(arms)[:: 1 if number % 2 else -1]:
            seconds[name].append(measure(arms[name]))
    each = {name: 1e6 * statistics.median(values) / options.images for name, values in seconds.items()}
    ratios = []
    for name in ("folder", "pack"):
        values = [plain / ours for plain, ours in zip(seconds["plain"], seconds[name], strict=True)]
        ratios.append(f"{statistics.median(values):6.2f} ({min(values):.2f} to {max(values):.2f})")
    figures = " ".join(f"{each[name]:8.0f}" for name in arms)
    print(f"{photograph:>10} {crop:<11} {side:>4} {figures}  {' / '.join(ratios)}", flush=True)


if __name__ == "__main__":
    main()
