"""Deeper plain nets train worse; residual nets do not."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.measurements.gradients import measure_gradient_norms
from resnetc.runtime.study.measurements.probe import take_training_images
from resnetc.runtime.study.study_code import Statistics, list_depths, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (("train_loss", "training loss"), ("top1", "test accuracy, %"), ("parameters", "parameters"))
KINDS = ("plain", "ResNet")
_IMAGES = 128  # of which the gradient is taken


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Losses and accuracies; of the first run of each arm the gradients before the first step and after the last."""
    assert data is not None
    figures = take_figures(arms)
    for arm in arms:
        run = arm.runs[0]
        probe = take_training_images(data, run.folder, _IMAGES)
        models = {"gradient at the start": arm.build_initial_model(run), "gradient at the end": arm.load_model(run)}
        for quantity, model in models.items():
            for layer, (name, norm) in enumerate(measure_gradient_norms(model, probe), 1):
                figures.append(Figure(arm.label, run.seed, quantity=quantity, value=norm, place=layer, label=name))
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """The ratio of the training losses of the deepest and the shallowest plain net, and how far the deepest residual
    net is behind the shallowest."""
    depths = list_depths(table, KINDS[0])
    shallow, deep = depths[0], depths[-1]
    plain = zip(
        table.values(f"plain-{deep}", "train_loss"), table.values(f"plain-{shallow}", "train_loss"), strict=True
    )
    residual = zip(table.values(f"ResNet-{shallow}", "top1"), table.values(f"ResNet-{deep}", "top1"), strict=True)
    return {
        "plain_loss_ratio": [below / above for below, above in plain],
        "residual_gap": [above - below for above, below in residual],
    }


def draw(table: Table) -> Picture:
    """Training loss against depth, accuracy against depth, and the gradient's norm layer by layer."""
    picture, (losses, accuracies, gradients) = figure.new_figure(3)
    for number, kind in enumerate(KINDS):
        depths = list_depths(table, kind)
        arms = [f"{kind}-{depth}" for depth in depths]
        for axes, quantity in ((losses, "train_loss"), (accuracies, "top1")):
            values = [table.values(arm, quantity) for arm in arms]
            figure.draw_line(axes, number, kind, depths, [sum(row) / len(row) for row in values])
            for depth, row in zip(depths, values, strict=True):
                figure.draw_points(axes, number, depth, row)
    deepest = [f"{kind}-{list_depths(table, kind)[-1]}" for kind in KINDS]
    for number, arm in enumerate(deepest):
        for offset, moment in enumerate(("start", "end")):
            layers, norms = table.mean_curve(arm, f"gradient at the {moment}")
            figure.draw_line(gradients, number + 2 * offset, f"{arm}, {moment}", layers, norms, marks=False)
    losses.set(xlabel="layers", ylabel="training loss in the last epoch, nats", ylim=(0, None))
    accuracies.set(xlabel="layers", ylabel="test accuracy, %")
    gradients.set(
        xlabel="convolution, from the image on", ylabel="norm of the loss's gradient by its output", yscale="log"
    )
    for axes in (losses, accuracies, gradients):
        figure.label_lines(axes)
    return picture
