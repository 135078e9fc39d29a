"""Trains a generated module: one loop, from the first line to the last, with nothing hidden behind callbacks.

result = train(source, "cifar_depth20", data.load("digits"), recipe.load("digits"), Path("runs/first"))
"""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnetc.runtime import counter_rng, out_of_memory, progress, shares, trial
from resnetc.runtime import distributed as processes
from resnetc.runtime.augment import Augmenter, Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.determinism import deterministic, seed, threads
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.evaluate import Evaluation, measure
from resnetc.runtime.model import activation_checkpointing, loader
from resnetc.runtime.model.ema import Average
from resnetc.runtime.optim import optimizer
from resnetc.runtime.optim.lr_schedule import learning_rate
from resnetc.runtime.recipe import Recipe
from resnetc.runtime.report import report
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.signals import stop_signals
from resnetc.runtime.run.train_state import State

CHECK_EVERY = 50  # steps between two looks at the loss on an accelerator; on the CPU every step is looked at


@dataclass(frozen=True, slots=True)
class Result:
    """How a finished run ended. Accuracies in percent, of the last epoch; `best_top1` was reached in `best_epoch`.

    `seconds` is wall time from the call on, start-up, evaluation and saving included, over all parts of a resumed run.
    """

    network: str
    out: Path
    epochs: int
    steps: int
    train_loss: float
    test_loss: float
    top1: float
    top5: float
    best_top1: float
    best_epoch: int
    seconds: float


def train(
    source: str,
    network: str,
    data: Data,
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    device: str | None = None,
    quiet: bool = False,
) -> Result:
    """Train the generated module `source` (its text) on `data` and leave a run folder at `out`.

    With `resume`, `out` holds a stopped run of the same module, data and recipe, and the run ends with the very weights
    it would have had uninterrupted. `device` is torch's name of one; without it CUDA where there is one, else the CPU.
    Under `torchrun` all processes train together (`group`); restarted by it, they resume by themselves.

    Raises RunError where the folder, the module, the data or the recipe are at fault, and where the loss is no longer a
    number; Stopped where Ctrl-C or SIGTERM ended the run, its state saved.
    """
    began = time.perf_counter()
    run = RunFolder(out)
    with (
        processes.joined(device) as group,
        stop_signals(patient=group.size > 1) as stop,
        deterministic(recipe.deterministic),
        threads(recipe.threads),
        out_of_memory.told(recipe),
    ):
        place = group.device
        # The network, from its seed; the data, as bytes, on the device.
        torch.manual_seed(recipe.seed)
        model = loader.build(source, Path(f"{network}.py"), place)
        judging = shares.of_judging(len(data.test_labels), recipe.eval_batch_size, group.size)
        trial.check(
            model, network, data, judging, shares.of_step(len(data.train_labels), recipe.batch_size, group.size)
        )
        average = Average(model, recipe.ema_decay)
        if recipe.activation_checkpointing:
            activation_checkpointing.apply(model)
        update = optimizer.build(model, recipe)
        loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        held = data.to(place)
        normalise = Normaliser(held.train_images, recipe.normalise)
        augment = Augmenter(held.train_images, recipe, normalise)
        labels, test_images, test_labels = held.train_labels, held.test_images, held.test_labels
        del held  # the training images: `augment` has them, padded

        count = len(labels)
        batch = min(recipe.batch_size, count)
        if batch % group.size:
            raise RunError(f"a batch of {batch} images cannot be divided equally among {group.size} processes")
        per_epoch = count // batch
        steps = per_epoch * recipe.epochs

        # Where the run stands: at the start, or where a stopped run saved itself.
        state = State.fresh(network, source, data, recipe, per_epoch, place)
        if len(set(group.gather((state.module, state.fingerprint, recipe)))) > 1:
            raise RunError("the processes were given different networks, data or recipes")
        if resume or group.share(lambda: group.restarted and run.begun):
            state.restore(run, model, average, update, group)
        else:
            group.share(lambda: run.create(source, recipe.text()))
            group.share(lambda: state.save(run, model, average, update))
        replica = group.wrap(model)
        began -= state.seconds
        rate = learning_rate(recipe, max(state.step - 1, 0), steps)  # of the last step done

        def halt_if_asked() -> None:
            if number := group.largest(stop.number or 0):
                state.check(run, rate)
                state.seconds = time.perf_counter() - began
                group.share(lambda: state.save(run, model, average, update))
                raise Stopped(number, state.step, out)

        best: Evaluation | None = None  # of the best epoch, where this call has seen it
        done = state.epochs
        silent = quiet or group.rank > 0
        shown = progress.Progress() if silent else progress.choose(network, recipe.epochs, steps, batch, state.step)
        with shown:
            for epoch in range(state.epochs, recipe.epochs):
                order = counter_rng.order(recipe.seed, epoch, count, place)
                entered = time.perf_counter() - state.epoch_seconds
                model.train()

                while state.step < (epoch + 1) * per_epoch:
                    state.epoch_seconds = time.perf_counter() - entered
                    halt_if_asked()

                    at = (state.step - epoch * per_epoch) * batch
                    index = group.part(order[at : at + batch])
                    # Dropout and stochastic depth: other draws at every step, and in every process.
                    seed(counter_rng.key(recipe.seed, state.step, counter_rng.MODEL + group.rank), place)
                    rate = learning_rate(recipe, state.step, steps)
                    for parameters in update.param_groups:
                        parameters["lr"] = rate

                    loss = loss_of(replica(augment(epoch, index)), labels[index])
                    state.step += 1
                    state.see(group.mean(loss.detach()))
                    if place.type == "cpu" or state.step % CHECK_EVERY == 0:
                        state.check(run, rate)  # before the update: a loss that is no number leaves the weights alone
                    update.zero_grad()
                    loss.backward()
                    if recipe.max_grad_norm:
                        nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
                    update.step()
                    average.follow(state.step)
                    shown.step(state.step, epoch + 1)

                # The epoch is over: judge, write down, keep.
                state.check(run, rate)
                state.epoch_seconds = time.perf_counter() - entered
                group.agree(average.model)
                judged = measure(
                    average.model,
                    test_images,
                    test_labels,
                    data.class_names,
                    normalise,
                    recipe.eval_batch_size,
                    between=halt_if_asked,
                    group=group,
                )
                state.check_judged(run, judged.loss)
                record: dict[str, Any] = {
                    "epoch": epoch + 1,
                    "step": state.step,
                    "train_loss": state.loss_sum.item() / per_epoch,
                    "curve": state.losses(),
                    "test_loss": judged.loss,
                    "top1": judged.top1,
                    "top5": judged.top5,
                    "lr": rate,
                    "images_per_second": per_epoch * batch / state.epoch_seconds,
                    "seconds": time.perf_counter() - began,
                }
                if state.is_best(record):
                    group.share(lambda: state.save_best(run, average.model))
                    best = judged
                group.share(partial(run.append, record))
                shown.epoch(record)
                state.epochs, state.epoch_seconds, state.seconds = epoch + 1, 0.0, record["seconds"]
                state.loss_sum.zero_()
                state.curve.zero_()
                group.share(lambda: state.save(run, model, average, update))

        def finish() -> dict[str, Any]:
            if state.epochs > done or not run.report.is_file():
                report.write(out, data, best)
            return run.records()[-1]

        last = group.share(finish)
        halt_if_asked()  # a comparison has more to do
    return Result(
        network=network,
        out=out,
        epochs=last["epoch"],
        steps=last["step"],
        train_loss=last["train_loss"],
        test_loss=last["test_loss"],
        top1=last["top1"],
        top5=last["top5"],
        best_top1=state.best["top1"],
        best_epoch=int(state.best["epoch"]),
        seconds=last["seconds"],
    )
