"""One image alone: where torch refuses it for the sake of a norm, and what is said of that beforehand."""

from itertools import product

import pytest
import torch

import resnetc
from resnetc.cli.main import main
from resnetc.compiler.proof.minimum_batch import find_minimum_batches
from resnetc.testing import Trial, assert_shapes_agree, trials
from resnetc.testing.torch_module import module_of

NET = """edition 1
block gate() {{ out = in * (in |> global_avg_pool |> conv(8, kernel=1) |> {gate} |> sigmoid) }}
model net() {{
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3, stride=[2, 4]) |> {norm} |> relu
  stage layer1 = 2 of conv(8, kernel=3, stride=2)
  head = {head}
}}
"""


def net(norm: str = "identity", gate: str = "identity", head: str = "gate") -> Trial:
    (trial,) = trials(NET.format(norm=norm, gate=gate, head=head))
    return trial


@pytest.mark.parametrize(
    ("trial", "refused"),
    [
        (net("group_norm(groups=8)"), lambda h, w: h <= 2 and w <= 4),
        (net("group_norm(groups=4)"), lambda h, w: False),
        (net("evo_norm_s0(groups=8)"), lambda h, w: False),
        (net("instance_norm"), lambda h, w: h <= 2 and w <= 4),
        (net("layer_norm"), lambda h, w: False),
        (net(gate="group_norm(groups=8)"), lambda h, w: True),
        (net("group_norm(groups=8)", "group_norm(groups=8)"), lambda h, w: True),
        (net(head="global_avg_pool |> flatten |> group_norm(groups=8)"), lambda h, w: True),
        (net(head="global_avg_pool |> reshape([8, 1, 1, 1]) |> group_norm(groups=8)"), lambda h, w: True),
        (net(head="global_avg_pool |> reshape([2, 4, 1]) |> group_norm(groups=2)"), lambda h, w: False),
    ],
)
def test_one_image_is_refused_exactly_where_that_is_predicted(trial: Trial, refused) -> None:
    norms = find_minimum_batches(trial.network, trial.accepted)
    module = module_of(trial.source)
    for h, w in product((1, 2, 3, 5), (1, 2, 4, 5, 9)):
        predicted = any(norm.is_satisfied((h, w)) for norm in norms)
        assert predicted == refused(h, w)
        try:
            with torch.no_grad():
                module(torch.rand(1, 3, h, w))
            assert not predicted, (h, w)
        except ValueError as error:
            assert "more than 1 value per channel" in str(error)
            assert predicted, (h, w)
        for batch in (1, 2, 3):
            assert assert_shapes_agree(trial, (h, w), batch)


@pytest.mark.parametrize(
    ("trial", "refused"),
    [
        (net("batch_norm"), lambda h, w: h <= 2 and w <= 4),
        (net(gate="batch_norm"), lambda h, w: True),
        (net("batch_norm", "group_norm(groups=8)"), lambda h, w: True),
        (net("group_norm(groups=8)"), lambda h, w: h <= 2 and w <= 4),
        (net("evo_norm_s0(groups=8)"), lambda h, w: False),
        (net("response_norm"), lambda h, w: False),
        (net(head="global_avg_pool |> flatten |> batch_norm"), lambda h, w: True),
        (net(head="global_avg_pool |> reshape([2, 4, 1]) |> batch_norm"), lambda h, w: False),
    ],
)
def test_one_image_a_step_is_refused_exactly_where_that_is_predicted(trial: Trial, refused) -> None:
    """While training, a batch norm looks at the number of images too; the norm to blame is named as in the module."""
    norms = find_minimum_batches(trial.network, trial.accepted, training=True)
    module = module_of(trial.source).train()
    kinds = {"batch_norm": torch.nn.modules.batchnorm._BatchNorm, "group_norm": torch.nn.GroupNorm}
    assert all(isinstance(module.get_submodule(norm.path), kinds[norm.norm.primitive.name]) for norm in norms)
    for h, w in product((1, 2, 3, 5), (1, 2, 4, 5, 9)):
        assert any(norm.is_satisfied((h, w)) for norm in norms) == refused(h, w)
        try:
            with torch.no_grad():
                module(torch.rand(1, 3, h, w))
            assert not refused(h, w), (h, w)
        except ValueError as error:
            assert "more than 1 value per channel" in str(error)
            assert refused(h, w), (h, w)
        with torch.no_grad():
            module(torch.rand(2, 3, h, w))
    module.eval()


def test_what_refuses_more_is_named_alone() -> None:
    trial = net("group_norm(groups=8)", "group_norm(groups=8)")
    (norm,) = find_minimum_batches(trial.network, trial.accepted)
    assert norm.is_satisfied((1000, 7))


def test_show_and_the_module_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "zoo/timm/resnetv2", "--model", "resnetv2_50d_gn"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    told = "batches          2 images or more at H = 1 .. 2, W = 1 .. 2: a group of `norm` has one value in each "
    assert last.startswith(f"{told}(zoo/timm/resnetv2.resnet:")
    source = resnetc.compile("zoo/timm/resnetv2", model="resnetv2_50d_gn").source
    head = " ".join(source.partition('"""\n')[0].split())
    assert "for every H and every W. Batches of two images or more at H = 1 .. 2, W = 1 .. 2. 25,568,584" in head
    assert "Batches" not in resnetc.compile("zoo/timm/resnet", model="resnet50_gn").source
