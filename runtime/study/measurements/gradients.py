"""The norm of the gradient at every convolution, from the image to the scores."""

import torch
from torch import Tensor, nn

from resnetc.runtime.study.measurements.hooks import removed_at_the_end
from resnetc.runtime.study.measurements.probe import Probe

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def measure_gradient_norms(model: nn.Module, probe: Probe) -> list[tuple[str, float]]:
    """For every convolution, in the order in which they run, its name and the norm of the gradient of the loss by its
    output, averaged over the images (He et al. 2015, section 4.1, look at the same).

    The model is in training mode meanwhile, because batch norms pass another gradient then; its mode and its running
    statistics are as before afterwards.
    """
    outputs: list[tuple[str, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda _, __, output, name=name: outputs.append((name, output)))
        for name, module in model.named_modules()
        if isinstance(module, _CONVOLUTIONS)
    ]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    was_training = model.training
    with removed_at_the_end(*hooks):
        loss = probe.loss(model.train())
        gradients = torch.autograd.grad(loss, [output for _, output in outputs])
    model.load_state_dict(state)
    model.train(was_training)
    count = len(probe.labels)  # the loss is a mean: the gradient of each image's own loss is `count` times that
    return [
        (name, float(gradient.flatten(1).norm(dim=1).mean()) * count)
        for (name, _), gradient in zip(outputs, gradients, strict=True)
    ]
