"""The precision of the training step: what a recipe's word means on a device.

Weights, their gradients and the loss are float32. In bfloat16 and float16 torch's autocast computes convolutions and
matrix products in the shorter type, as it has it for all networks.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The type that a step computes in. `auto` is bfloat16 on a CUDA device with units for it, else float32."""
    if precision != "auto":
        dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
        return dtypes[precision]
    has_units = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if has_units else torch.float32


def build_scaler(dtype: torch.dtype, device: torch.device) -> torch.amp.GradScaler | None:
    """torch's scaler of the loss, without which gradients in float16 would be lost; None for other types."""
    return torch.amp.GradScaler(device.type) if dtype == torch.float16 else None


@contextmanager
def use_fast_kernels(precision: str, is_deterministic: bool, device: torch.device) -> Iterator[None]:
    """Inside, CUDA multiplies float32 in TF32 unless the recipe asks for float32 itself, and tries which convolution is
    the fastest for a shape unless it is to be deterministic."""
    if device.type != "cuda":
        yield
        return
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    matmul.allow_tf32 = cudnn.allow_tf32 = precision != "float32"
    cudnn.benchmark = not is_deterministic
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before
