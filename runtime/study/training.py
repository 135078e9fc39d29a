"""Trains the arms of a study: the runs that are missing, several at a time, each in a process of its own.

A run's folder is named after all that decides what it learns: module, data, recipe, seed. So studies share runs, and
what was stopped, or made for another study before, is gone on with.
"""

import hashlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import torch
from torch import nn

from resnetc.runtime.comparison.compare import FinishedRun, is_finished, read_run
from resnetc.runtime.data import ImageSet
from resnetc.runtime.errors import Diverged, RunError, Stopped
from resnetc.runtime.inference.trained_run import load_run
from resnetc.runtime.model import loader
from resnetc.runtime.recipe.recipe import RULES, Recipe
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.lock import IN_USE_STATUS
from resnetc.runtime.study.arms import CompiledArm
from resnetc.runtime.study.small_data import read_data
from resnetc.runtime.train import train

_SECONDS_BETWEEN_TRIES = 1.0  # where another study trains a run
_CPU = torch.device("cpu")
_DIVERGED = "diverged.txt"  # in the folder of a run: the message with which it ended
_INTERRUPTED = 130  # the status of a run that Ctrl-C has stopped


@dataclass(frozen=True, slots=True)
class Job:
    """One run: what is trained, on which set (the argument of `--data`), how, and where.

    cost: multiply-adds of all its forward passes; init: the folder of the run whose weights it starts from.
    """

    label: str
    network: str
    source: str
    data: str
    recipe: Recipe
    folder: Path
    cost: int
    init: Path | None = None

    @property
    def is_done(self) -> bool:
        """Whether its folder holds the finished run, or says that the loss became no number."""
        if has_diverged(self.folder):
            return True
        return RunFolder(self.folder).is_resumable and is_finished(self.folder, self.recipe)


@dataclass(frozen=True, slots=True)
class TrainedArm:
    """A compiled arm with its finished runs, at most one for each seed; without any in a study that trains nothing.

    diverged: the seeds of the runs whose loss became no number.
    """

    compiled: CompiledArm
    runs: tuple[FinishedRun, ...]
    diverged: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """The name of the arm."""
        return self.compiled.text.label

    def number(self, key: str) -> float:
        """What the text varies over the arms, as a number."""
        return float(self.compiled.text.values[key])

    def load_model(self, run: FinishedRun) -> nn.Module:
        """The network with the weights of the run's last epoch, in `eval` mode, on the CPU."""
        return load_run(run.folder, weights="last", device=_CPU).model

    def build_initial_model(self, run: FinishedRun) -> nn.Module:
        """The network as the run began with it."""
        torch.manual_seed(run.seed)
        return loader.build_network(self.compiled.source, Path(f"{self.compiled.network}.py"), _CPU)


def make_job(
    arm: CompiledArm,
    data: ImageSet,
    recipe: Recipe,
    seed: int,
    out: Path,
    *,
    fingerprint: str,
    init: Path | None = None,
) -> Job:
    """The run of an arm with a seed, in a folder below `out` whose name says what it is and differs wherever the run
    does. fingerprint: that of the data, which takes its time."""
    seeded = replace(recipe, seed=seed)
    usual = Recipe()  # a key that a later version adds leaves the names of earlier runs as they are
    settings = {key: getattr(seeded, key) for key, rule in RULES.items() if not rule.may_change}
    own = [f"{key}: {value}" for key, value in settings.items() if value != getattr(usual, key)]
    parts = [arm.source, fingerprint, *own, f"from {init.name}" if init else ""]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]
    folder = out / f"{arm.network}-{seed}-{digest}"
    cost = arm.multiply_adds * len(data.train_labels) * recipe.epochs
    return Job(
        arm.text.label,
        arm.network,
        source=arm.source,
        data=data.argument,
        recipe=seeded,
        folder=folder,
        cost=cost,
        init=init,
    )


def train_missing(jobs: Sequence[Job], processes: int, tell: Callable[[str], None]) -> None:
    """Train every job that is not done, `processes` at a time; `tell` is told of each that ends.

    Raises Stopped where Ctrl-C or SIGTERM ends it, after the runs under way have saved themselves, and RunError where
    a run fails, after the others under way have ended.
    """
    missing = list({job.folder: job for job in jobs if not job.is_done}.values())
    later = [job for job in missing if job.init in {other.folder for other in missing}]
    _train_all([job for job in missing if job not in later], processes, tell)
    _train_all(later, processes, tell)


def _train_all(missing: list[Job], processes: int, tell: Callable[[str], None]) -> None:
    """Train jobs none of which waits for another."""
    if not missing:
        return
    missing.sort(key=lambda job: job.cost, reverse=True)  # the longest first: nobody waits for it at the end
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(missing)), mp_context=context, initializer=_stop_with_parent)
    with _stop_processes_on_sigterm(), pool:
        futures = [pool.submit(run_job, job) for job in missing]
        try:
            for number, future in enumerate(as_completed(futures), 1):
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    raise RunError(
                        "a training process was killed, possibly out of memory: the same command continues; reduce "
                        "the parallel runs with `--jobs`"
                    ) from None
                if isinstance(outcome, int):
                    raise Stopped(outcome, 0, missing[0].folder)
                tell(f"{number}/{len(missing)}  {outcome}")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def run_job(job: Job) -> str | int:
    """Train one run, or go on with it; a line about its result, or the number of the signal that stopped it. A run that
    another study trains is waited for."""
    is_waiting = False
    while not (is_waiting and job.is_done):
        resume = RunFolder(job.folder).is_resumable
        try:
            return _train_job(job, resume)
        except RunError as fault:
            began_meanwhile = RunFolder(job.folder).is_resumable and not resume
            if fault.status != IN_USE_STATUS and not began_meanwhile:
                raise
            if not is_waiting:
                what = f"{job.label}, seed {job.recipe.seed}"
                print(f"waits for {what}, which another process trains in {job.folder}", file=sys.stderr)
            is_waiting = True
        time.sleep(_SECONDS_BETWEEN_TRIES)
    return f"{job.label}, seed {job.recipe.seed}: trained by another process"


def _train_job(job: Job, resume: bool) -> str | int:
    """The same, unless the run is in use: RunError."""
    try:
        data = read_data(job.data, job.recipe)
        init = None if resume else job.init
        result = train(job.source, job.network, data, job.recipe, job.folder, init=init, resume=resume, quiet=True)
    except Diverged as fault:  # which is what such a run has to say
        (job.folder / _DIVERGED).write_text(f"{fault}\n", "utf-8")
        return f"{job.label}, seed {job.recipe.seed}: diverged"
    except Stopped as stopped:  # which does not survive the way to another process
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            os._exit(stopped.status)  # nobody is left to take the result: the process would wait for work for ever
        return signal.SIGINT if stopped.status == _INTERRUPTED else signal.SIGTERM
    loss = f"train loss {result.train_loss:.3f}, top-1 {result.top1:.2f} %"
    return f"{job.label}, seed {job.recipe.seed}: {loss}, {result.seconds:.0f} s"


def has_diverged(folder: Path) -> bool:
    """Whether the run in this folder ended because its loss became no number."""
    return (folder / _DIVERGED).is_file()


def read_arm(arm: CompiledArm, jobs: Iterable[Job]) -> TrainedArm:
    """The arm with its runs, which are done."""
    own = tuple(jobs)
    finished = tuple(read_run(job.folder) for job in own if not has_diverged(job.folder))
    return TrainedArm(arm, finished, tuple(job.recipe.seed for job in own if has_diverged(job.folder)))


def _stop_with_parent() -> None:
    """Where the process that started this one is killed, SIGTERM stops this one, after its run has saved itself."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        assert parent is not None
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _stop_processes_on_sigterm() -> Iterator[None]:
    """Inside the context, SIGTERM is passed on to the processes that train, which save their runs, and raises Stopped.
    (Ctrl-C reaches them by itself.)"""

    def stop(number: int, frame: FrameType | None) -> None:
        for process in multiprocessing.active_children():
            process.terminate()
        raise Stopped(number, 0, Path())

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def choose_processes() -> int:
    """How many runs there are at a time where nobody says it: one for each CPU, but one where a GPU trains them."""
    return 1 if torch.cuda.is_available() else os.cpu_count() or 1
