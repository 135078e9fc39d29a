"""The processes that train one network together, started by `torchrun`; in a single process all of this does nothing.

Every process has all the data and a copy of the network, and computes its share of each batch; torch's
DistributedDataParallel averages the gradients. Only the first process reads and writes the run folder.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from resnetc.runtime.distributed.torchrun import is_torchrun
from resnetc.runtime.errors import RunError

_Shared = TypeVar("_Shared")


class _SumOfProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; what flows back is the sum of all their gradients."""

    @staticmethod
    def forward(ctx: object, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


@dataclass(frozen=True, slots=True)
class Group:
    """`size` processes, of which this one has number `rank` (from 0), with the device of this process.

    Methods that involve all processes wait for them: every process must make the same calls in the same order.
    """

    rank: int
    size: int
    device: torch.device
    restarted: bool = False

    def data_parallel(self, model: nn.Module) -> nn.Module:
        """The model to call in training: gradients are averaged over all processes, buffers are those of the first."""
        if self.size == 1:
            return model
        # Of filters with one input channel torch says that their gradients' strides are in two minds, once a process.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        return DistributedDataParallel(model, device_ids=[self.device] if self.device.type == "cuda" else None)

    def shard(self, index: Tensor) -> Tensor:
        """This process's share of a batch; `size` divides the length of the batch."""
        return index.chunk(self.size)[self.rank]

    def all_reduce_mean(self, value: Tensor) -> Tensor:
        """The mean over all processes, without waiting for the device."""
        return value if self.size == 1 else self.all_reduce_sum(value / self.size)

    def all_reduce_sum(self, value: Tensor) -> Tensor:
        """The sum of `value` over all processes, computed in place."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def sum_with_gradients(self, value: Tensor) -> Tensor:
        """The sum of `value` over all processes, through which gradients flow to all of them."""
        if self.size == 1:
            return value
        total: Tensor = _SumOfProcesses.apply(value)  # type: ignore[no-untyped-call]  # torch has no types for it
        return total

    def all_reduce_max(self, number: int) -> int:
        """The largest of the processes' numbers, exchanged on the CPU so that no accelerator is waited for."""
        if self.size == 1:
            return number
        word = torch.tensor(number)
        dist.all_reduce(word, dist.ReduceOp.MAX)
        return int(word)

    def all_gather(self, value: _Shared) -> list[_Shared]:
        """The values of all processes, in the order of their ranks."""
        if self.size == 1:
            return [value]
        values = [value] * self.size
        dist.all_gather_object(values, value)
        return values

    def broadcast_from_rank0(self, action: Callable[[], _Shared]) -> _Shared:
        """Run `action` in the first process only; all return its result, or raise its RunError."""
        if self.size == 1:
            return action()
        outcome: list[_Shared | RunError | None] = [None]
        if self.rank == 0:
            try:
                outcome[0] = action()
            except RunError as fault:
                outcome[0] = fault
        dist.broadcast_object_list(outcome)
        if isinstance(outcome[0], RunError):
            raise outcome[0]
        return cast(_Shared, outcome[0])

    def broadcast_buffers(self, model: nn.Module) -> None:
        """Give every process the first one's buffers, that is its running statistics."""
        if self.size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)


SINGLE_PROCESS = Group(0, 1, torch.device("cpu"))


@contextmanager
def join_group(device: str | None) -> Iterator[Group]:
    """The group of this process: torchrun's, one that the caller has initialised, or this process by itself.

    `device` is torch's name of a device; by default CUDA if there is one (one device per process), else the CPU.
    """
    is_initialised = dist.is_available() and dist.is_initialized()
    is_starting = not is_initialised and is_torchrun() and int(os.environ["WORLD_SIZE"]) > 1
    local = int(os.environ["LOCAL_RANK"]) if is_torchrun() else 0
    if device is None and torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise RunError(f"process {local} on this machine has no device: there are only {torch.cuda.device_count()}")
        device = f"cuda:{local}" if is_torchrun() else "cuda"
    selected = torch.device(device or "cpu")
    if selected.type == "cuda" and selected.index is not None:
        torch.cuda.set_device(selected)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") if is_torchrun() else "0"
    if is_starting:
        # Restarted processes meet in the store of those before them: without a prefix they would read old addresses.
        store, rank, size = next(rendezvous("env://"))
        backend = "cpu:gloo,cuda:nccl" if selected.type == "cuda" else "gloo"
        store = dist.PrefixStore(f"attempt{attempt}", store)  # type: ignore[attr-defined]  # torch does not list it
        dist.init_process_group(backend, store=store, rank=rank, world_size=size)
    group = Group(0, 1, selected, attempt != "0")
    if is_initialised or is_starting:
        group = Group(dist.get_rank(), dist.get_world_size(), selected, attempt != "0")
    try:
        yield group
    except RuntimeError as error:
        first = str(error).partition("\n")[0]
        if group.size > 1 and (isinstance(error, dist.DistError) or "gloo" in first):
            raise RunError(f"process {group.rank}: another process of this run has exited: {first}") from error
        raise
    finally:
        if is_starting:
            dist.destroy_process_group()
