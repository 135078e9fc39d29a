"""Trains a generated module: one loop, to be read from top to bottom, with nothing hidden in callbacks.

result = train(source, "cifar_depth20", data.load("digits"), recipe_file.load("digits"), Path("runs/first"))
"""

import sys
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

from resnetc.runtime import counter_rng, out_of_memory, progress
from resnetc.runtime.augmentation.batch_transform import build_batch_transform
from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.data import ImageSet
from resnetc.runtime.determinism import limit_threads, seed_generators, use_deterministic_algorithms
from resnetc.runtime.distributed import batch_shares
from resnetc.runtime.distributed import process_group as processes
from resnetc.runtime.distributed.sync_batch_norm import synchronise_norms
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluation.measure import measure
from resnetc.runtime.input_pipeline.image_batches import open_batches
from resnetc.runtime.input_pipeline.sampling import RepeatedLabels, build_order, may_repeat
from resnetc.runtime.input_pipeline.statistics import describe_preprocessing
from resnetc.runtime.model import activation_checkpointing, dry_run, loader
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.model.freezing import freeze
from resnetc.runtime.optim.lr_schedule import compute_learning_rate
from resnetc.runtime.optim.optimizer import build_optimizer, set_learning_rate
from resnetc.runtime.recipe.places import name_places
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.report.conclusion import RunReport
from resnetc.runtime.run.folder import Figures, RunFolder
from resnetc.runtime.run.lock import hold_folder
from resnetc.runtime.run.saver import Saver
from resnetc.runtime.run.signals import catch_stop_signals
from resnetc.runtime.run.train_state import TrainState
from resnetc.runtime.step.compilation import Compilation, choose_mode
from resnetc.runtime.step.precision import use_fast_kernels
from resnetc.runtime.training.logs import open_logs
from resnetc.runtime.training.loss import build_criterion
from resnetc.runtime.training.step_of_recipe import accelerate, build_step
from resnetc.runtime.weights.initialisation import initialise


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a finished run. Accuracies are in percent, of the last epoch; `best_top1` was reached in
    `best_epoch`. If validation images chose that epoch, `best_top1` is theirs, and `test_loss`, `top1` and `top5` are
    those of the test images with its weights. Where an image has any number of classes, mean average precision chose
    the epoch and stands beside the rest; else it is None.

    `seconds` is wall time from the call on, including start-up, evaluation and saving, summed over all parts of a
    resumed run.
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
    mean_average_precision: float | None = None
    best_mean_average_precision: float | None = None

    @classmethod
    def of_state(cls, state: TrainState, out: Path, final: Figures | None = None) -> "Result":
        """The result of a run whose epochs are all done; final: what was measured of the test images, if others chose
        the best epoch."""
        last_record = state.records[-1]
        figures: Figures = final or last_record
        return cls(
            network=state.network,
            out=out,
            epochs=last_record["epoch"],
            steps=last_record["step"],
            train_loss=last_record["train_loss"],
            test_loss=figures["test_loss"],
            top1=figures["top1"],
            top5=figures["top5"],
            best_top1=state.best["top1"],
            best_epoch=int(state.best["epoch"]),
            seconds=last_record["seconds"],
            mean_average_precision=figures.get("mean_average_precision"),
            best_mean_average_precision=state.best.get("mean_average_precision"),
        )


def train(
    source: str,
    network: str,
    data: ImageSet,
    recipe: Recipe,
    out: Path,
    *,
    init: Path | None = None,
    resume: bool = False,
    extend: Collection[str] = (),
    logs: Sequence[str] = (),
    device: str | None = None,
    quiet: bool = False,
) -> Result:
    """Train the generated module `source` (its text) on `data` and write the run folder `out`.

    `init` is a file of weights, or the folder of a run, to start from (`weights.initialisation`). With `resume`,
    `out` holds a stopped run of the same module, data and recipe, and the run ends with exactly the weights of an
    uninterrupted one; with `extend`, it is a finished one that goes on with other values of these keys of the recipe.
    `logs` names further logs (`log_names`). `device` is torch's name of a device; by default CUDA if there is one,
    else the CPU. Under `torchrun` all processes train together (`distributed`), and resume when it restarts them.

    Raises RunError if the folder, the module, the data or the recipe are at fault, and if the loss is no longer
    finite; Stopped if Ctrl-C or SIGTERM ended the run, after its state was saved.
    """
    start_time = time.perf_counter()
    run = RunFolder(out)
    if resume and not run.is_resumable:
        raise RunError(f"{run.last}: no such file: this folder has no run to resume")
    with (
        processes.join_group(device) as group,
        ExitStack() as to_release,
        catch_stop_signals(is_patient=group.size > 1) as stop,
        use_deterministic_algorithms(recipe.deterministic),
        limit_threads(recipe.threads),
        use_fast_kernels(recipe.precision, recipe.deterministic, group.device),
        out_of_memory.translate_out_of_memory(recipe),
    ):
        # The network, from its seed; the data, where its batches come from.
        torch.manual_seed(recipe.seed)
        model = loader.build_network(source, Path(f"{network}.py"), group.device)
        if recipe.sync_batch_norm:
            synchronise_norms(model, group)
        dry_run.check_run(model, network, data, recipe, group.size)
        resuming = resume or group.broadcast_from_rank0(lambda: group.restarted and run.is_resumable)
        initial_weights = None if resuming else initialise(model, init, network, data, group, quiet)
        with name_places(recipe.places, "freeze"):
            freeze(model, recipe.freeze)
        average = ExponentialMovingAverage(model, recipe.ema_decay)
        if recipe.activation_checkpointing:
            activation_checkpointing.checkpoint_blocks(model)
        optimizer = build_optimizer(model, recipe)
        preprocessing = describe_preprocessing(data, recipe, group.device)
        normaliser = Normaliser.from_record(preprocessing, group.device)
        selection = data.validation or data  # whose test images choose the best epoch
        images = open_batches(selection, recipe, normaliser, group.device, to_release)
        train_labels, test_labels = data.train_labels.to(group.device), selection.test_labels.to(group.device)
        draw_order, criterion = build_order(recipe, data, group.device), build_criterion(recipe, data, group.device)
        with name_places(recipe.places, "accumulate", "batch_size"):
            batch_size, steps_per_epoch = batch_shares.split_epoch(
                len(train_labels), recipe.batch_size, group.size, recipe.accumulate
            )
        total_steps = steps_per_epoch * recipe.epochs

        def tell(remark: str) -> None:
            if remark and not quiet and group.rank == 0:
                print(f"note: {remark}", file=sys.stderr)

        # Where the run stands: at the start, or where a stopped run saved itself.
        state = TrainState.start(network, source, data, recipe, preprocessing, steps_per_epoch, group.device)
        if len(set(group.all_gather((state.source_digest, state.fingerprint, recipe)))) > 1:
            raise RunError("the processes have different networks, data or recipes")
        to_release.enter_context(hold_folder(run, group))
        if resuming:
            tell(state.restore(run, model, average, optimizer, group, () if group.restarted else extend))
        else:
            state.initial_weights = initial_weights
            group.broadcast_from_rank0(lambda: run.create(source, recipe.to_yaml(), preprocessing, initial_weights))
        state.lr = compute_learning_rate(recipe, max(state.step - 1, 0), total_steps)  # of the last step done
        start_time -= state.seconds  # as if the parts of the run had followed one another without a pause
        saver = Saver(
            run, state, model, average=average, optimizer=optimizer, group=group, stop=stop, start_time=start_time
        )
        if extend or not resuming:
            saver.save()

        # One step: from the indices of a batch to new weights, all of it on the device.
        transform = build_batch_transform(recipe, preprocessing, normaliser)
        labels = RepeatedLabels(train_labels) if may_repeat(recipe) else train_labels
        step = build_step(
            model, optimizer, average, images, transform, labels, criterion, state=state, group=group, recipe=recipe
        )
        compilation = Compilation(model, choose_mode(recipe.compile, group.device))
        take_step = accelerate(step, compilation, state, group, recipe, tell)

        run_report = RunReport(run, data, source, state.epochs)
        display = progress.choose_display(
            network, recipe.epochs, total_steps, batch_size, state.step, is_quiet=quiet or group.rank > 0
        )
        own_logs = open_logs(logs if group.rank == 0 else (), run, network, recipe, state.step)
        with display, own_logs:
            for epoch in state.iterate_epochs():
                order = draw_order(epoch)
                steps_done = state.step - epoch * steps_per_epoch
                parts = [group.shard(part) for part in torch.split(order, batch_size)[steps_done:steps_per_epoch]]
                epoch_start = time.perf_counter() - state.epoch_seconds
                model.train()

                for index, batch in zip(parts, state.count_waiting(images.read_train(epoch, parts)), strict=True):
                    state.epoch_seconds = time.perf_counter() - epoch_start
                    display.data_share = state.data_share
                    saver.save_if_due(batch.fault)

                    # Dropout and stochastic depth: other draws at every step, and in every process.
                    stream = counter_rng.MODEL + group.rank
                    seed_generators(counter_rng.derive_key(recipe.seed, state.step, stream), group.device)
                    state.lr = compute_learning_rate(recipe, state.step, total_steps)
                    set_learning_rate(optimizer, state.lr)
                    take_step(state.begin_step(), index, batch.images, before_update=saver.check_loss)
                    display.step(state.step, epoch + 1)

                # The epoch is over: judge, write down, keep.
                state.check_train_loss(run)
                state.epoch_seconds = time.perf_counter() - epoch_start
                group.broadcast_buffers(average.model)
                with compilation.paused():
                    evaluation = measure(
                        average.model,
                        images,
                        test_labels,
                        data.class_names,
                        recipe.eval_batch_size,
                        before_batch=saver.save_if_due,
                        group=group,
                    )
                state.check_test_loss(run, evaluation.loss)
                record = state.describe_epoch(evaluation.figures, steps_per_epoch * batch_size, saver.measure_seconds())
                if state.update_best(record):
                    group.broadcast_from_rank0(lambda: state.save_best(run, average.model))
                    run_report.best_evaluation = evaluation
                state.end_epoch(record)
                group.broadcast_from_rank0(lambda: run.write_records(state.records))
                own_logs.write(record)
                display.epoch(record)
                saver.save()
                group.broadcast_from_rank0(run_report.write_if_due)

        final_figures = group.broadcast_from_rank0(lambda: run_report.conclude(state.epochs))
        saver.save_if_due()  # a comparison has more to do
    return Result.of_state(state, out, final_figures)
