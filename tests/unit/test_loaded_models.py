"""Models of `resnetc.load`: they leave their process, are copied for nothing, and are made where the context says."""

import copy
import io
import operator
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import multiprocessing, nn

import resnetc
from resnetc.runtime.errors import RunError
from resnetc.runtime.model import loader
from tests.support import run_python

SRC = str(Path(resnetc.__file__).parents[1])
FILTERED = "zoo/timm/resnet", "resnetblur18"  # its filters are buffers

READ = """
import pathlib, pickle, sys, torch

for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        with path.open("rb") as stream:
            model = torch.load(stream, weights_only=False) if path.suffix == ".pt" else pickle.load(stream)
    except ModuleNotFoundError as error:
        print(path.stem, error)
        continue
    with torch.no_grad():
        outputs = model(torch.ones(1, int(path.stem.split("_")[1]), 8, 8)).flatten()
    known = type(model).__name__, model.training, next(model.parameters()).requires_grad
    print(path.stem, *known, *map(float, outputs))
    for name in [name for name in sys.modules if name.startswith("resnetc_network_")]:
        del sys.modules[name]  # the next one is read as the first is
"""


def in_another_process(files: dict[str, bytes], folder: Path) -> list[str]:
    """What a process that knows nothing of the network makes of pickled objects, a line each.

    A file is called `<anything>_<channels of the input>`; one that ends in `.pt` is torch's.
    """
    for name, data in files.items():
        (folder / name).write_bytes(data)
    done = run_python(READ, str(folder))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def said(model: nn.Module, channels: int = 3) -> str:
    with torch.no_grad():
        outputs = model(torch.ones(1, channels, 8, 8)).flatten()
    known = type(model).__name__, model.training, next(model.parameters()).requires_grad
    return " ".join(map(str, (*known, *map(float, outputs))))


def used(name: str = "cifar/resnet", **settings: object) -> nn.Module:
    """A network whose state is not that of a new one."""
    model = resnetc.load(name, **settings)
    model(torch.rand(4, 3, 8, 8))
    next(model.parameters()).requires_grad_(False)
    return model.eval()


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one whenever the text of a network is run."""
    found: list[str] = []
    run = loader._Text.exec_module

    def counted(self: loader._Text, code: object) -> None:
        found.append(str(self.path))
        run(self, code)

    monkeypatch.setattr(loader._Text, "exec_module", counted)
    return found


def test_a_model_and_its_parts_are_read_in_another_process(tmp_path: Path) -> None:
    model = used(depth=8)
    stream = io.BytesIO()
    torch.save(model, stream)
    files = {f"protocol{p}_3": pickle.dumps(model, p) for p in range(pickle.HIGHEST_PROTOCOL + 1)}
    files |= {"saved_3.pt": stream.getvalue()}
    files |= {"stage_16": pickle.dumps(model.layer1), "block_16": pickle.dumps(model.layer2[0])}
    expected = {name.removesuffix(".pt"): said(model) for name in files}
    expected |= {"stage_16": said(model.layer1, 16), "block_16": said(model.layer2[0], 16)}
    files["class_3"] = pickle.dumps(type(model))  # it has no text with it
    expected["class_3"] = f"No module named '{type(model).__module__}'"
    assert in_another_process(files, tmp_path) == [f"{name} {expected[name]}" for name in sorted(expected)]


def test_a_process_that_is_spawned_is_given_a_model() -> None:
    model = used(depth=8).requires_grad_(False)
    x = torch.ones(1, 3, 8, 8)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert torch.equal(processes.submit(operator.call, model, x).result(), model(x))


def test_the_first_of_two_equal_networks_is_pickled_as_well() -> None:
    first = used(depth=8)
    second = resnetc.load("cifar/resnet", depth=8)
    assert type(first) is type(second)
    assert said(pickle.loads(pickle.dumps(first))) == said(first)


def doubled(model: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
    return 2 * output


def test_hooks_go_with_a_model_as_torch_has_it() -> None:
    model = used(depth=8)
    model.layer1.register_forward_hook(doubled)
    assert said(pickle.loads(pickle.dumps(model))) == said(model)


def test_a_class_of_the_user_s_own_is_pickled_by_its_name() -> None:
    model = resnetc.load("cifar/resnet", depth=8)
    globals()["Own"] = type("Own", (type(model),), {"__module__": __name__, "extra": 1})
    own = globals()["Own"]()
    assert pickle.loads(pickle.dumps(own)).extra == 1
    assert type(pickle.loads(pickle.dumps(own))) is globals()["Own"]


def test_weights_only_refuses_a_whole_model() -> None:
    stream = io.BytesIO()
    torch.save(resnetc.load("cifar/resnet", depth=8), stream)
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(stream, weights_only=True)


@pytest.mark.parametrize("known", [True, False], ids=["of a network that is known", "of one that is not"])
def test_a_text_that_was_changed_is_refused(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = resnetc.load("cifar/resnet", depth=8)
    data = pickle.dumps(model).replace(b"nn.ReLU()", b"nn.GELU()")
    if not known:
        monkeypatch.delitem(sys.modules, type(model).__module__)
    with pytest.raises(RunError, match="^cifar_depth8.py: the source of this network was changed"):
        pickle.loads(data)


def test_copies_run_no_text(executions: list[str]) -> None:
    model = used(depth=8, width=4)
    assert executions == ["cifar_depth8_width4.py"]
    copied = copy.deepcopy(model)
    assert said(copied) == said(model)
    assert type(copied) is type(model) and copied.layer1[0].conv1.weight is not model.layer1[0].conv1.weight
    assert copy.copy(model).layer1 is model.layer1
    pickle.loads(pickle.dumps(model))
    assert executions == ["cifar_depth8_width4.py"]


def test_a_text_that_fails_is_not_kept() -> None:
    text = "import nowhere_to_be_found\n"
    for _ in range(2):
        with pytest.raises(RunError, match="nowhere_to_be_found"):
            loader.build_network(text, Path("bad.py"))
    assert loader.module_name(loader.compute_digest(text)) not in sys.modules


# -- where a model is made --------------------------------------------------------------------------------------------


def places(model: nn.Module) -> set[tuple[str, torch.dtype]]:
    held = [*model.parameters(), *model.buffers()]
    return {(tensor.device.type, tensor.dtype) for tensor in held if tensor.is_floating_point()}


def loaded() -> list[nn.Module]:
    name, network = FILTERED
    return [resnetc.load("cifar/resnet", depth=8), resnetc.load(name, model=network, classes=2)]


def test_a_model_is_made_on_the_device_of_the_context() -> None:
    with torch.device("meta"):
        models = loaded()
    assert [places(model) for model in models] == [{("meta", torch.float32)}] * 2
    assert sum(name.endswith("filter") for name, _ in models[1].named_buffers()) > 0
    assert [places(model) for model in loaded()] == [{("cpu", torch.float32)}] * 2


def test_a_model_is_made_on_the_default_device_in_the_default_dtype() -> None:
    torch.set_default_device("meta")
    try:
        assert [places(model) for model in loaded()] == [{("meta", torch.float32)}] * 2
    finally:
        torch.set_default_device(None)
    torch.set_default_dtype(torch.bfloat16)
    try:
        models = loaded()
        assert [places(model) for model in models] == [{("cpu", torch.bfloat16)}] * 2
        assert models[1](torch.rand(1, 3, 64, 64)).dtype == torch.bfloat16
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_model_on_no_device_is_filled_from_a_state() -> None:
    real = used(depth=8)
    with torch.device("meta"):
        model = resnetc.load("cifar/resnet", depth=8)
    model.load_state_dict(real.state_dict(), assign=True)
    next(model.parameters()).requires_grad_(False)
    assert said(model.eval()) == said(real)
