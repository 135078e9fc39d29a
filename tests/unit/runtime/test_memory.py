"""What `show` says about memory, against a real step of the deepest net of the paper, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import resnetc
from resnetc.compiler.checked_network import CheckedNetwork

HERE = Path(__file__).parent
BATCH = 8


def measured(module: Path, recompute: bool) -> tuple[int, int]:
    """Bytes that autograd holds, and bytes by which the process grows; the C library gives back what is freed."""
    path = os.pathsep.join(
        [str(Path(resnetc.__file__).parent.parent), str(HERE.parents[2]), os.environ.get("PYTHONPATH", "")]
    )
    process = subprocess.run(
        [sys.executable, str(HERE / "memory_of_a_step.py"), str(module), str(BATCH), str(int(recompute))],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "65536"},
    )
    assert process.returncode == 0, process.stderr
    held, growth = map(int, process.stdout.split())
    return held, growth


@pytest.fixture(scope="module")
def deepest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CheckedNetwork]:
    """ResNet-1202, width 16, for 3x32x32."""
    compiled = resnetc.compile("cifar/resnet", depth=1202)
    path = tmp_path_factory.mktemp("deepest") / "resnet1202.py"
    path.write_text(compiled.source, "utf-8")
    return path, compiled.checked


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the resident memory where Linux tells it")
@pytest.mark.parametrize("recompute", [False, True])
def test_the_memory_of_resnet_1202_is_as_predicted(deepest: tuple[Path, CheckedNetwork], recompute: bool) -> None:
    path, checked = deepest
    measures, sizes = checked.measures, (32, 32)
    whole = measures.count_checkpointed_activation_bytes(sizes) if recompute else measures.count_activation_bytes(sizes)
    held, growth = measured(path, recompute)
    print(f"{whole * BATCH:,} predicted, {held:,} held, {growth:,} growth of the process; {BATCH} images")
    assert abs(held / (whole * BATCH) - 1) < 0.2
    assert abs(growth / (whole * BATCH) - 1) < 0.2
