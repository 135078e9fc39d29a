"""Parameters and multiply-adds of the nets of He et al. 2015 (Tables 1 and 6) and of their published descendants."""

import pytest

import resnetc

IMAGENET = [  # spec, settings, parameters, multiply-adds at 224x224
    ("plain18", {}, 11_515_688, 1_794_805_760),
    ("resnet18", {"shortcut": "shortcuts.pad"}, 11_515_688, 1_794_805_760),
    ("resnet18", {}, 11_689_512, 1_814_073_344),
    ("resnet18", {"shortcut": "shortcuts.project_all"}, 12_043_816, 1_878_298_624),
    ("plain34", {}, 21_623_848, 3_644_493_824),
    ("resnet34", {"shortcut": "shortcuts.pad"}, 21_623_848, 3_644_493_824),
    ("resnet34", {"shortcut": "none"}, 21_623_848, 3_644_493_824),
    ("resnet34", {}, 21_797_672, 3_663_761_408),
    ("resnet34", {"shortcut": "shortcuts.project_all"}, 22_716_840, 3_830_747_136),
    ("resnet50_v1", {}, 25_557_032, 3_857_973_248),
    ("resnet101_v1", {}, 44_549_160, 7_570_194_432),
    ("resnet152_v1", {}, 60_192_808, 11_282_415_616),
    ("resnet50", {}, 25_557_032, 4_089_184_256),
    ("resnet101", {}, 44_549_160, 7_801_405_440),
    ("resnet152", {}, 60_192_808, 11_513_626_624),
    ("resnet50d", {}, 25_576_264, 4_328_824_832),
    ("resnext50_32x4d", {}, 25_028_904, 4_230_479_872),
    ("resnext101_32x8d", {}, 88_791_336, 16_414_015_488),
    ("seresnet50", {}, 28_088_024, 4_091_699_200),
]

CIFAR = {  # depth: parameters under A (and plain), B, C; multiply-adds under A, B
    20: (269_722, 272_474, 283_962, 40_551_040, 40_813_184),
    32: (464_154, 466_906, 489_594, 68_862_592, 69_124_736),
    44: (658_586, 661_338, 695_226, 97_174_144, 97_436_288),
    56: (853_018, 855_770, 900_858, 125_485_696, 125_747_840),
    110: (1_727_962, 1_730_714, 1_826_202, 252_887_680, 253_149_824),
    1202: (19_421_274, 19_424_026, 20_538_714, 2_829_238_912, 2_829_501_056),
}


def costs(spec: str, **settings: object) -> tuple[int, int]:
    compiled = resnetc.compile(spec, **settings)
    measures = compiled.checked.measures
    return measures.parameters, measures.count_multiply_adds(compiled.network.input.sizes)


@pytest.mark.parametrize(("name", "settings", "parameters", "multiply_adds"), IMAGENET)
def test_table_1(name: str, settings: dict[str, str], parameters: int, multiply_adds: int) -> None:
    assert costs(f"imagenet/{name}", **settings) == (parameters, multiply_adds)


def test_wide_resnet50_2() -> None:
    assert costs("imagenet/wide_resnet50_2")[0] == 68_883_240


@pytest.mark.parametrize("depth", CIFAR)
def test_table_6(depth: int) -> None:
    a, b, c, work_a, work_b = CIFAR[depth]
    assert costs("cifar/resnet", depth=depth) == (a, work_a)
    assert costs("cifar/resnet", depth=depth, shortcut="none") == (a, work_a)
    assert costs("cifar/resnet", depth=depth, shortcut="shortcuts.project") == (b, work_b)
    assert costs("cifar/resnet", depth=depth, shortcut="shortcuts.project_all")[0] == c


@pytest.mark.parametrize(("depth", "parameters"), [(110, 1_730_522), (164, 1_703_258), (1001, 10_327_706)])
def test_pre_activation(depth: int, parameters: int) -> None:
    assert costs("cifar/preact", depth=depth)[0] == parameters


def test_pre_activation_with_option_a() -> None:
    assert costs("cifar/preact", depth=110, shortcut="shortcuts.pad")[0] == 1_727_962


@pytest.mark.parametrize(
    ("depth", "widen", "c10", "c100"),
    [
        (40, 1, 563_930, 569_780),
        (40, 2, 2_243_546, 2_255_156),
        (40, 4, 8_949_210, 8_972_340),
        (16, 8, 10_961_370, 11_007_540),
        (28, 10, 36_479_194, 36_536_884),
        (40, 10, 55_841_754, 55_899_444),
        (16, 4, 2_748_890, None),
        (16, 10, 17_116_634, None),
        (22, 8, 17_158_106, None),
        (28, 12, 52_517_850, None),
    ],
)
def test_wide_residual_nets(depth: int, widen: int, c10: int, c100: int | None) -> None:
    assert costs("cifar/wrn", depth=depth, widen=widen)[0] == c10
    if c100 is not None:
        assert costs("cifar/wrn", depth=depth, widen=widen, classes=100)[0] == c100
