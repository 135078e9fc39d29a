"""What a linear classifier makes of the features of a network that has learned other classes."""

import torch
from torch import Tensor, nn

from resnetc.runtime.study.measurements.hooks import removed_at_the_end
from resnetc.runtime.study.measurements.probe import Probe


@torch.no_grad()
def compute_features(model: nn.Module, probe: Probe) -> Tensor:
    """What goes into the last linear layer: float32 [N, features]; the model is in `eval` mode."""
    last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    features: list[Tensor] = []
    with removed_at_the_end(last.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))):
        model.eval()(probe.images)
    return features[0]


def measure_linear_probe(model: nn.Module, train: Probe, test: Probe) -> float:
    """The accuracy in percent on `test` of a logistic regression on the features of `train`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(compute_features(model, train).numpy(), train.labels.numpy())
    return 100 * float(classifier.score(compute_features(model, test).numpy(), test.labels.numpy()))
