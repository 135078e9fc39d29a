"""Files of weights from strangers (S22): one message each, nothing executed, nothing waited for, no memory lost."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as safetensors
from torch import nn

from resnetc.runtime.errors import RunError
from resnetc.runtime.run import checkpoint
from resnetc.runtime.weights import weight_file
from resnetc.runtime.weights.initialisation import read_initialisation
from resnetc.runtime.weights.source import find_weight_file


class Runs:
    """What unpickles by running a command."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.trace}",)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


def saved(content: object, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def state() -> dict[str, torch.Tensor]:
    return dict(network().state_dict())


def repacked(content: bytes, change: Callable[[str, bytes], bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return stream.getvalue()


def read(path: Path) -> object:
    return read_initialisation(find_weight_file(path), network(), "net", 3, ("a", "b"))


def test_what_is_whole_is_read(tmp_path: Path) -> None:
    for number, content in enumerate([saved(state()), saved(state(), False), safetensors(state())]):
        path = tmp_path / str(number)
        path.write_bytes(content)
        read(path)


def test_a_header_of_any_length_is_one_of_safetensors(tmp_path: Path) -> None:
    """Its length is the first byte of the file, which may be that of a pickle."""
    first_bytes = set()
    for length in range(0, 256, 8):
        content = safetensors(state(), {"text": "x" * length})
        first_bytes.add(content[0])
        (tmp_path / "w").write_bytes(content)
        read(tmp_path / "w")
    assert 0x80 in first_bytes


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["alone", "beside"])
def test_code_in_a_pickle_is_named_and_not_run(tmp_path: Path, zipped: bool, place: str) -> None:
    trace = tmp_path / "ran"
    content: object = Runs(trace) if place == "alone" else {"state_dict": state(), "extra": Runs(trace)}
    (tmp_path / "w.pth").write_bytes(saved(content, zipped))
    with pytest.raises(
        RunError, match=r"contains more than plain weights, .* it refers to `(posix|nt)\.system`"
    ) as caught:
        read(tmp_path / "w.pth")
    assert "\n" not in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_a_bare_pickle_is_refused_whatever_its_protocol(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "ran"
    (tmp_path / "w.pkl").write_bytes(pickle.dumps({"w": Runs(trace)}, protocol))
    with pytest.raises(RunError, match=r"not (a weight file|weights)|contains more than plain weights"):
        read(tmp_path / "w.pkl")
    assert not trace.exists()


def test_a_whole_module_is_no_state_dict(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(saved(network()))
    with pytest.raises(
        RunError, match="refers to `torch.nn.modules.container.Sequential`.* save only its `state_dict`"
    ):
        read(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a weight file, or truncated"),
        (b"hello, this is no file of weights at all", "not a weight file, or truncated"),
        (b"PK\x03\x04" + bytes(100), "damaged: File is not a zip file"),
        (b"\x80\x02" + bytes(100), "damaged, or not a weight file"),
        (struct.pack("<Q", 1 << 60) + b"{}", "not a weight file, or truncated"),
        (struct.pack("<Q", 4) + b"{nul", "damaged, or not safetensors"),
        (struct.pack("<Q", 50_000) + b"{" + b"[" * 49_999, "damaged, or not safetensors"),
        (struct.pack("<Q", 2) + b"{}", "contains no weights"),
        (saved([torch.zeros(3)]), "contains no weights"),
        (saved({"epoch": 3}), "contains no weights"),
        (saved({"w": torch.zeros(3, dtype=torch.complex64)}), "contains no weights"),
        (saved({"w": torch.eye(3).to_sparse()}), "contains more than plain weights"),
        (repacked(saved(state()), lambda _, part: part, zipfile.ZIP_DEFLATED), "a compressed zip"),
        (repacked(saved(state()), lambda name, part: bytes(1 << 25) if "data.pkl" in name else part), "the limit is"),
    ],
)
def test_what_is_no_file_of_weights_is_refused_in_one_message(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(RunError, match=message) as caught:
        read(tmp_path / "w")
    assert str(caught.value).startswith(f"{tmp_path / 'w'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "own"])
def test_a_file_that_is_cut_off_is_damaged_wherever_it_ends(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "w"
    if kind == "own":
        checkpoint.save(path, state(), {})
    else:
        path.write_bytes(safetensors(state()) if kind == "safetensors" else saved(state(), kind == "zip"))
    content = path.read_bytes()
    for end in [*range(0, len(content), max(len(content) // 20, 1)), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(RunError) as caught:
            read(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["zip", "own"])
def test_a_flipped_bit_is_seen_where_a_checksum_covers_it(tmp_path: Path, kind: str) -> None:
    """A legacy file of torch has none, nor have safetensors of others: there shapes and finite values are checked."""
    path = tmp_path / "w"
    if kind == "own":
        checkpoint.save(path, state(), {})
    else:
        path.write_bytes(saved(state()))
    content, expected = path.read_bytes(), state()
    for place in range(0, len(content), 97):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            tensors = read(path).tensors  # type: ignore[attr-defined]
        except RunError:
            continue
        assert all(torch.equal(tensor, expected[name]) for name, tensor in tensors.items()), place  # in padding


@pytest.mark.parametrize("linked", [False, True])
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path, linked: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/stdin")):
        path = tmp_path / f"link-{target.name}" if linked else target
        if linked:
            path.symlink_to(target)
        with pytest.raises(RunError, match="not a regular file|cannot read the weights"):
            find_weight_file(path)
        with pytest.raises(RunError, match="cannot read the weights"):
            weight_file.read(path, 1 << 20)


def test_a_run_folder_of_a_stranger_has_no_other_ways(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(RunError, match=r"no weights in this folder: no best\.safetensors, no last\.ckpt"):
        find_weight_file(run)
    os.mkfifo(run / "best.safetensors")
    with pytest.raises(RunError, match="not a regular file"):
        find_weight_file(run)
    (run / "best.safetensors").unlink()
    (run / "best.safetensors").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunError, match="cannot read the weights: No such file"):
        find_weight_file(run)


def test_a_file_far_larger_than_the_network_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "w", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RunError, match=r"larger than 67,\d+,\d+ bytes, far too large for weights of this network"):
        read(tmp_path / "w")


def test_a_small_file_cannot_stand_for_a_large_tensor(tmp_path: Path) -> None:
    """A tensor of stride 0 and a mapping in itself cost a few bytes in the file."""
    wide = torch.zeros(1).expand(1 << 40)
    level: dict[str, object] = {"t": torch.zeros(1)}
    for _ in range(6):
        level = {f"k{number}": level for number in range(500)}
    (tmp_path / "w").write_bytes(saved(state() | {"0.weight": wide, "x": wide, "levels": level}))
    with pytest.raises(RunError, match=r"another network: .*0\.weight \[1099511627776\], here \[4, 3, 3, 3\]"):
        read(tmp_path / "w")


def test_storages_larger_than_the_file_are_damage(tmp_path: Path) -> None:
    content = saved({"w": torch.zeros(7)}, zipped=False)
    huge = content.replace(b"K\x07", b"\x8a\x07" + (1 << 50).to_bytes(7, "little"))
    assert huge != content
    (tmp_path / "w").write_bytes(huge)
    with pytest.raises(RunError, match="damaged, or not a weight file"):
        read(tmp_path / "w")


def test_values_that_are_not_finite_start_no_run(tmp_path: Path) -> None:
    poisoned = state()
    poisoned["0.bias"][1] = float("nan")
    (tmp_path / "w").write_bytes(saved(poisoned))
    with pytest.raises(RunError, match=r"0\.bias has non-finite values"):
        read(tmp_path / "w")


def test_names_of_a_stranger_are_spelt_and_cut(tmp_path: Path) -> None:
    names = {f"\x1b[2J{number}\n{'x' * 300}": torch.zeros(1) for number in range(50)}
    (tmp_path / "w").write_bytes(saved(state() | names | {"y" * 10_000: torch.zeros(1)}))
    report = read(tmp_path / "w").report  # type: ignore[attr-defined]
    assert "50 of the file not used: \\x1b[2J0\\nxxx" in report
    assert len(report) < 1000
    assert "\x1b" not in report
    assert len(report.split("\n")) == 2


def test_the_record_of_a_stranger_is_checked(tmp_path: Path) -> None:
    from resnetc.runtime.run import state_metadata

    for value in (3, "text", {"file": 3}, {"file": "f", "sha256": "s", "tensors": 1, "report": []}, {"report": [3]}):
        assert not state_metadata._are_initial_weights(json.loads(json.dumps(value)))
    assert state_metadata._are_initial_weights({"file": "f", "sha256": "s", "tensors": 1, "report": ["r"]})
