"""Two nets that are trained for seconds and stand for all arms of all studies."""

from collections.abc import Callable
from pathlib import Path

import pytest

import resnetc
from resnetc.runtime.data import Data
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.study.arms import ArmText, CompiledArm
from resnetc.runtime.study.small_data import SmallData
from resnetc.runtime.study.training import TrainedArm, make_job, read_arm, run_job

MakeArm = Callable[..., TrainedArm]
OVERRIDES = ["epochs=1", "batch_size=50", "threads=1"]


def compile_arm(label: str, spec: str = "cifar/resnet", classes: int = 10, **settings: int | str) -> CompiledArm:
    """An arm of eight layers."""
    own = {"depth": 8, "width": 4, "channels": 1, "classes": classes, **settings}
    compiled = resnetc.compile(spec, **own)
    sizes = (8, 8)
    return CompiledArm(
        text=ArmText(label, spec, ()),
        network=compiled.network.name,
        source=compiled.source,
        parameters=compiled.checked.measures.parameters,
        multiply_adds=compiled.checked.measures.count_multiply_adds(sizes),
        weighted_layers=compiled.checked.measures.weighted_layers,
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of all tests."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="session")
def small(folder: Path) -> Data:
    """150 of the digits."""
    return SmallData("digits", None, folder / "data").take(150)


@pytest.fixture(scope="session")
def brief() -> Recipe:
    """One epoch of three steps."""
    return recipe_file.load("digits", OVERRIDES)


@pytest.fixture(scope="session")
def make_arm(folder: Path, small: Data, brief: Recipe) -> MakeArm:
    """Trains an arm, once for each network and seed."""

    def make(label: str, seeds: tuple[int, ...] = (0,), data: Data = small, **settings: int | str) -> TrainedArm:
        arm = compile_arm(label, classes=data.classes, **settings)
        jobs = [make_job(arm, data, brief, seed, folder / "runs", fingerprint=data.fingerprint()) for seed in seeds]
        for job in jobs:
            if not job.is_done:
                run_job(job)
        return read_arm(arm, jobs)

    return make


@pytest.fixture(scope="session")
def halves(folder: Path) -> tuple[Data, Data]:
    """Digits 0 to 4 and 5 to 9, 100 images of each."""
    whole = SmallData("digits", None, folder / "data")
    return whole.take(100, (0, 1, 2, 3, 4)), whole.take(100, (5, 6, 7, 8, 9))
