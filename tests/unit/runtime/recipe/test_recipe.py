"""Recipes: every value has a rule, every fault a place, and the text written reads back."""

from collections import Counter
from pathlib import Path

import pytest

from resnetc.cli.main import build_parser, main
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import foreign_keys, recipe, recipe_file
from resnetc.runtime.recipe.recipe import Recipe


def fault(tmp_path: Path, text: str) -> str:
    """The message for a recipe file of this text, the folder taken out."""
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RunError) as caught:
        recipe_file.load(str(path))
    assert caught.value.status == 1
    return str(caught.value).replace(str(tmp_path) + "/", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: 3\nlr: 0.1\n", "r.yaml:2:1: unknown key `lr`: write `learning_rate` (the peak of the schedule)"),
        ("epochs: 3\nxyz: 0.1\n", "r.yaml:2:1: unknown key `xyz`; known: accumulate, activation_checkpointing,"),
        (
            "warmup-epochs: 5\n",
            "r.yaml:1:1: unknown key `warmup-epochs`: write `warmup` (length of the warm-up, as a share of the run)",
        ),
        ("AMP_batch: 5\n", "r.yaml:1:1: unknown key `AMP_batch`; known: "),
        (
            "batch: 8\nepochs: 3\ncrop: 4\nxyz: 1\n",
            "r.yaml:1:1: unknown key `batch`: write `batch_size` (images per training step; an incomplete last batch "
            "is dropped); likewise `crop` is `random_crop_padding` (r.yaml:3:1)",
        ),
        ("learning_rat: 1\n", "r.yaml:1:1: unknown key `learning_rat`; a similar name exists: `learning_rate`"),
        ("epochs: 3\nbatch: 8\nepochs: 4\n", "r.yaml:3:1: the key `epochs` occurs twice; first at r.yaml:1:1"),
        ("epochs: ten\n", "r.yaml:1:9: `epochs` must be a whole number, not `ten`"),
        ("epochs: 1.5\n", "r.yaml:1:9: `epochs` must be a whole number, not `1.5`"),
        ("epochs: 0\n", "r.yaml:1:9: `epochs` must lie from 1 to 1,000,000; it is 0"),
        ("epochs: '3'\n", "r.yaml:1:9: `epochs`: write it without quotes: a number"),
        ("epochs:\n", "r.yaml:1:8: `epochs` must be a whole number, not ``"),
        ("learning_rate: .inf\n", "r.yaml:1:16: `learning_rate` must be a number, not `.inf`"),
        ("learning_rate: .nan\n", "r.yaml:1:16: `learning_rate` must be a number, not `.nan`"),
        ("learning_rate: 1e999\n", "r.yaml:1:16: `learning_rate` must lie above 0 to 1000; it is 1e999"),
        ("learning_rate: 1e-400\n", "r.yaml:1:16: `learning_rate` must lie above 0 to 1000; it is 1e-400"),
        ("weight_decay: -1\n", "r.yaml:1:15: `weight_decay` must lie from 0 to 10; it is -1"),
        ("nesterov: yes\n", "r.yaml:1:11: `nesterov` must be true or false, not `yes`"),
        ("optimizer: adam\n", "r.yaml:1:12: `optimizer` cannot be `adam`; a similar name exists: `adamw`"),
        ("epochs: [1, 2]\n", "r.yaml:1:9: `epochs` takes one value, not a list"),
        ("schedule: step\n", "r.yaml:1:11: `schedule` is step, which needs `milestones`"),
        ("schedule: step\nmilestones: [0.5, 0.5]\n", "r.yaml:2:13: `milestones` must ascend"),
        ("schedule: step\nmilestones: [0.5, x]\n", "r.yaml:2:13: `milestones`: every item must be a number, not `x`"),
        ("schedule: onecycle\n", "r.yaml:1:11: `schedule` is onecycle, which needs a `warmup` above 0"),
        ("train_size: [96]\nnormalise: pixel\n", "r.yaml:1:13: `normalise: pixel` has a mean per pixel of one size"),
        ("train_size: [96, 1.5]\n", "r.yaml:1:13: `train_size` must be whole numbers, such as [128, 224]"),
        (
            "rand_augment: timm\ntrivial_augment: true\n",
            "r.yaml:1:15: `trivial_augment` and `rand_augment` are alternatives: set "
            "trivial_augment: false or rand_augment: none",
        ),
        (
            "rand_augment: rand-m7-mstd0.5-inc1\n",
            "r.yaml:1:15: `rand_augment` cannot be `rand-m7-mstd0.5-inc1`: write rand_augment: timm, num_ops: 2, "
            "magnitude: 7, magnitude_std: 0.5",
        ),
        (
            "rand_augment: rand-n3-inc1\n",
            "r.yaml:1:15: `rand_augment` cannot be `rand-n3-inc1`: write rand_augment: timm, num_ops: 3, "
            "magnitude: 10, magnitude_std: 0",
        ),
        ("rand_augment: rand-m9-mstd0.5\n", "r.yaml:1:15: `rand_augment` cannot be `rand-m9-mstd0.5`; known: none"),
        ("rand_augment: rand-w0-inc1\n", "r.yaml:1:15: `rand_augment` cannot be `rand-w0-inc1`; known: none"),
        ("rand_augment: true\n", "r.yaml:1:15: `rand_augment` cannot be `true`; "),
        ("magnitude: 11\n", "r.yaml:1:12: `magnitude` must lie from 0 to 10; it is 11"),
        ("num_ops: 0\n", "r.yaml:1:10: `num_ops` must lie from 1 to 16; it is 0"),
        ("train_resize: 256\n", "r.yaml:1:15: `train_resize` takes two whole numbers, the smallest and the largest"),
        ("train_resize: [480, 256]\n", "r.yaml:1:15: `train_resize` takes two whole numbers, the smallest and"),
        ("train_resize: [256, 300.5]\n", "r.yaml:1:15: `train_resize` takes two whole numbers, the smallest and"),
        ("train_resize: [0, 256]\n", "r.yaml:1:15: `train_resize`: every item must lie from 1 to 16384; it is 0"),
        (
            "image_size: 224\ntrain_resize: [200, 480]\n",
            "r.yaml:2:15: `train_resize` starts at 200, below the crops of 224 pixels: start at 224 or above",
        ),
        (
            "train_size: [96, 64]\ntrain_resize: [80, 480]\n",
            "r.yaml:2:15: `train_resize` starts at 80, below the crops of 96",
        ),
        ("momentum: 0\n", "r.yaml:1:11: `nesterov` needs a `momentum` above 0; for plain sgd also set nesterov: false"),
        ("momentum: 0\nnesterov: true\n", "r.yaml:2:11: `nesterov` needs a `momentum` above 0"),
        ("- epochs\n", "r.yaml:1:1: a recipe must be a mapping"),
        ("just words\n", "r.yaml:1:1: a recipe must be a mapping"),
        ("epochs: {a: 1}\n", "r.yaml:1:9: expected a single value or a list of numbers"),
        ("? [a]\n: 1\n", "r.yaml:1:3: a key must be a single word"),
        ("epochs: 3\n---\nepochs: 4\n", "r.yaml:2:1: not YAML: but found another document"),
        ("epochs: 3\n  batch: 4\n", "r.yaml:2:8: not YAML: mapping values are not allowed here"),
        ("epochs: [3\n", "r.yaml:2:1: not YAML:"),
        ("epochs: 3\nb: \x07\n", "r.yaml:2:4: not YAML: the character"),
    ],
)
def test_a_fault_names_its_place_and_its_remedy(tmp_path: Path, text: str, message: str) -> None:
    assert fault(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nepochs: *x\n", "r.yaml:1:4: a recipe cannot have anchors and aliases"),
        ("epochs: *x\n", "r.yaml:1:9: a recipe cannot have anchors and aliases"),
        (
            "epochs: !!python/object/apply:os.system ['true']\n",
            "r.yaml:1:9: a recipe cannot have tags (tag:yaml.org,2002:python/object",
        ),
        ("!!python/name:os.system\n", "r.yaml:1:1: a recipe cannot have tags"),
        ("epochs: !!int 3\n", "r.yaml:1:9: a recipe cannot have tags"),
        ("<<: {epochs: 3}\n", "r.yaml:1:5: expected a single value or a list of numbers"),
        ("epochs: " + "[" * 5000 + "\n", "r.yaml:1:24: nested too deeply"),
        ("epochs: 3\n" + "#" * 70_000 + "\n", "r.yaml:1:1: 70011 characters"),
    ],
)
def test_yaml_that_recipes_have_no_use_for_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert fault(tmp_path, text).startswith(message)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"epochs: 3 # \xe9\n")
    with pytest.raises(RunError, match=r"latin\.yaml: not UTF-8 text: byte 12 is 0xe9"):
        recipe_file.load(str(latin))
    with pytest.raises(RunError, match=r"no\.yaml: no such recipe file"):
        recipe_file.load(str(tmp_path / "no.yaml"))
    for other, message in ((str(tmp_path), "Is a directory"), ("a" * 300, "File name too long")):
        with pytest.raises(RunError, match=f"cannot read the recipe: {message}"):
            recipe_file.load(other)
    with pytest.raises(RunError, match="a similar name exists: `digits`") as caught:
        recipe_file.load("digit")
    assert caught.value.status == 2


def test_numbers_may_be_written_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "learning_rate: 1e-4\nweight_decay: 5E-4\nmomentum: .9\nema_decay: 0.99\nepochs: 007\nmilestones: 0.5\n"
    )
    read = recipe_file.load(str(path))
    assert (read.learning_rate, read.weight_decay, read.momentum, read.epochs) == (1e-4, 5e-4, 0.9, 7)
    assert read.milestones == (0.5,)


def test_what_is_left_to_the_data_is_auto(tmp_path: Path) -> None:
    assert recipe_file.load("digits", ["image_size=64", "image_size=auto"]).image_size is None
    read = recipe_file.load("digits", ["image_size=64", "crop_scale=[0.5, 1]", "workers=0"])
    assert (read.image_size, read.eval_resize, read.crop_scale, read.workers) == (64, None, (0.5, 1.0), 0)
    (tmp_path / "recipe.yaml").write_text(read.to_yaml())
    assert recipe_file.load(str(tmp_path / "recipe.yaml")) == read


def test_a_range_of_the_short_side_reads_back(tmp_path: Path) -> None:
    read = recipe_file.load("imagenet")
    assert read.train_resize == (256, 480) and "train_resize: [256, 480]" in read.to_yaml()
    smaller = recipe_file.load("imagenet", ["train_size=[160]", "normalise=channel", "train_resize=[160, 160]"])
    assert smaller.train_resize == (160, 160)
    assert recipe_file.load("imagenet", ["train_resize=[]"]).train_resize == ()


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("# nothing\n")
    assert recipe_file.load(str(path)) == Recipe()


def test_overrides_win_in_order() -> None:
    read = recipe_file.load(
        "digits", ["epochs=2", "learning_rate=1e-3", "milestones=[0.5, 0.75]", "horizontal_flip=true", "epochs=5"]
    )
    assert (read.epochs, read.learning_rate, read.milestones, read.horizontal_flip) == (5, 1e-3, (0.5, 0.75), True)
    assert read.batch_size == recipe_file.load("digits").batch_size


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "--override epochs: expected KEY=V"),
        ("epoch=3", "--override epoch=3: unknown key `epoch`; a similar name exists: `epochs`"),
        ("batch=8", "--override batch=8: unknown key `batch`: write `batch_size` (images per training step"),
        ("Clip_Grad=5", "--override Clip_Grad=5: unknown key `Clip_Grad`: write `max_grad_norm` (clip the norm"),
        ("epochs=", "--override epochs=: expected a value after the ="),
        ("epochs=x", "--override epochs=x: `epochs` must be a whole number, not `x`"),
        ("epochs=*x", "--override epochs=*x: a recipe cannot have anchors and aliases"),
        ("seed=-1", "--override seed=-1: `seed` must lie from 0 to 4,294,967,295; it is -1"),
        ("schedule=step", "--override schedule=step: `schedule` is step, which needs `milestones`"),
        ("warmup=0", "--override warmup=0: `schedule` is onecycle, which needs a `warmup` above 0"),
        ("image_size=8.5", "--override image_size=8.5: `image_size` must be a whole number, not `8.5`"),
        ("image_size=big", "--override image_size=big: `image_size` must be a whole number or auto, not `big`"),
        ("image_size=0", "--override image_size=0: `image_size` must lie from 1 to 16,384; it is 0"),
        ("eval_resize=20", "--override eval_resize=20: `eval_resize` (20) must be at least `image_size` (32)"),
        ("crop_scale=0.5", "--override crop_scale=0.5: `crop_scale` takes two numbers, the smallest and the largest"),
        ("crop_scale=[0.5, 0.2]", "--override crop_scale=[0.5, 0.2]: `crop_scale` takes two numbers, the smallest"),
        ("crop_scale=[0, 1]", "--override crop_scale=[0, 1]: `crop_scale`: every item must lie above 0 to 1; it is 0"),
        ("crop_ratio=[0.5, 200]", "--override crop_ratio=[0.5, 200]: `crop_ratio`: every item must lie from 0.01"),
        ("momentum=0", "--override momentum=0: `nesterov` needs a `momentum` above 0"),
    ],
)
def test_a_faulty_override_is_named(override: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        recipe_file.load("digits", ["image_size=32"] * (override == "eval_resize=20") + [override])
    assert str(caught.value).startswith(message)
    assert caught.value.status == 2


@pytest.mark.parametrize("name", recipe_file.list_shipped())
def test_the_text_of_a_recipe_reads_back(tmp_path: Path, name: str) -> None:
    read = recipe_file.load(name)
    path = tmp_path / "recipe.yaml"
    path.write_text(read.to_yaml())
    assert recipe_file.load(str(path)) == read
    assert [line.split(":")[0] for line in read.to_yaml().splitlines()] == list(recipe.RULES)


EARLIER = {
    "batch": ("batch_size", "12"),
    "eval_batch": ("eval_batch_size", "77"),
    "recompute": ("activation_checkpointing", "true"),
    "final": ("final_lr_ratio", "0.25"),
    "crop": ("random_crop_padding", "3"),
    "flip": ("horizontal_flip", "true"),
    "clip": ("max_grad_norm", "2.5"),
    "ema": ("ema_decay", "0.75"),
}


@pytest.mark.parametrize("earlier", EARLIER)
def test_an_earlier_key_is_told_its_name(tmp_path: Path, earlier: str) -> None:
    key, value = EARLIER[earlier]
    message = f"unknown key `{earlier}`: write `{key}` ({recipe.RULES[key].meaning})"
    assert fault(tmp_path, f"# mine\n{earlier}: {value}\n") == f"r.yaml:2:1: {message}"
    with pytest.raises(RunError) as caught:
        recipe_file.load("digits", [f"{earlier}={value}"])
    assert (str(caught.value), caught.value.status) == (f"--override {earlier}={value}: {message}", 2)


def test_the_recipe_of_an_earlier_run_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("".join(f"{earlier}: {value}\n" for earlier, (_, value) in EARLIER.items()))
    read = recipe_file.load(str(path), of_run=True)
    assert read == Recipe(
        batch_size=12,
        eval_batch_size=77,
        activation_checkpointing=True,
        final_lr_ratio=0.25,
        random_crop_padding=3,
        horizontal_flip=True,
        max_grad_norm=2.5,
        ema_decay=0.75,
    )


def test_every_other_name_leads_to_a_key_and_is_none_itself() -> None:
    names = foreign_keys.OTHER_NAMES
    assert set(names.values()) <= set(recipe.RULES)
    assert not set(names) & set(recipe.RULES)
    words = [word for line in foreign_keys.FOREIGN_KEYS.values() for word in line.split()]
    assert len(words) == len(set(words)) and not set(words) & set(foreign_keys.EARLIER_KEYS)


LACKING = {
    "wd": f"write `weight_decay` ({recipe.RULES['weight_decay'].meaning})",
    "BS": f"write `batch_size` ({recipe.RULES['batch_size'].meaning})",
    "val-split": f"write `validation` ({recipe.RULES['validation'].meaning})",
    "mixup_alpha": f"write `mixup` ({recipe.RULES['mixup'].meaning})",
    "sync_bn": f"write `sync_batch_norm` ({recipe.RULES['sync_batch_norm'].meaning})",
    "drop_path_rate": f"write `drop_path` ({recipe.RULES['drop_path'].meaning})",
    "freeze_norms": f"write `freeze` ({recipe.RULES['freeze'].meaning})",
    "patience": f"write `early_stopping` ({recipe.RULES['early_stopping'].meaning})",
    "ra_sampler": f"write `aug_repeats` ({recipe.RULES['aug_repeats'].meaning})",
    "aa": f"write `rand_augment` ({recipe.RULES['rand_augment'].meaning})",
    "resize_side_min": f"write `train_resize` ({recipe.RULES['train_resize'].meaning})",
    "auto_augment": "recipes have no automatic augmentation besides `trivial_augment` and `rand_augment`",
    "amp": f"write `precision` ({recipe.RULES['precision'].meaning})",
    "num_workers": f"write `workers` ({recipe.RULES['workers'].meaning})",
    "pin_memory": "recipes have no settings of the loading besides `workers`",
    "Device": "recipes have no choice of the device",
    "data_path": "name the data set with `--data`",
    "num_classes": "set a parameter of the model with `--set`, such as `--set classes=10`",
}


@pytest.mark.parametrize("word", LACKING)
def test_what_recipes_lack_is_said_by_its_meaning(tmp_path: Path, word: str) -> None:
    assert fault(tmp_path, f"{word}: 1\n") == f"r.yaml:1:1: unknown key `{word}`: {LACKING[word]}"


def test_what_recipes_lack_is_a_key_once_there_is_one() -> None:
    assert foreign_keys.describe_absence("kd_alpha", ["epochs", "teacher"]) == "write `teacher`"
    rows = (foreign_keys.FOREIGN_KEYS, foreign_keys.ELSEWHERE, foreign_keys.LACKING_KEYS)
    words = [word for row in rows for line in row.values() for word in line.split()]
    assert [word for word, count in Counter(words).items() if count > 1] == []


def test_the_recipe_in_a_checkpoint_is_read_and_a_key_that_is_not_known_named() -> None:
    saved = {"epochs": 3, "ema": 0.5, "milestones": [0.25, 0.5]}  # as JSON gives it, with an earlier key
    assert recipe_file.from_settings(saved, "last.ckpt") == Recipe(epochs=3, ema_decay=0.5, milestones=(0.25, 0.5))
    with pytest.raises(
        RunError, match=r"^last\.ckpt: the recipe has a key that this resnetc does not know: `mixdown`$"
    ):
        recipe_file.from_settings(saved | {"mixdown": 0.1}, "last.ckpt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--holdout 0.2 --override holdout=0.3",
            "`holdout` is set twice, by --holdout 0.2 and by --override holdout=0.3",
        ),
        (
            "--override validation=0.1 --validation 0.1",
            "`validation` is set twice, by --validation 0.1 and by --override",
        ),
        (
            "--seed 0 --override seed=1",
            "`seed` is set twice, by --seed 0 and by --override seed=1: remove one of them",
        ),
        (
            "--deterministic --override deterministic=false",
            "`deterministic` is set twice, by --deterministic and by --override deterministic=false: remove one",
        ),
        (
            "--out x --extend epochs=9 --override epochs=8",
            "`epochs` is set twice, by --extend epochs=9 and by --override epochs=8: remove one of them",
        ),
    ],
)
def test_an_option_of_train_is_refused_beside_an_override_of_its_key(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "digits", *arguments.split()]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "override", "message"),
    [
        ("--seeds=0,1", "seed=3", "`seed` is set twice, by --seeds 0,1 and by --override seed=3"),
        (
            "--deterministic",
            "deterministic=true",
            "`deterministic` is set twice, by --deterministic and by --override",
        ),
    ],
)
def test_an_option_of_compare_is_too(
    option: str, override: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", option, "--override", override, "digits"]) == 2
    assert message in capsys.readouterr().err


def test_every_option_that_is_short_for_a_key_is_known_to_be() -> None:
    """Whoever adds one meets this list, and says it to `refuse_saying_twice` as well."""
    commands = {"train": {"seed", "deterministic", "holdout", "validation", "freeze"}, "compare": {"deterministic"}}
    (choices,) = (action.choices for action in build_parser()._actions if action.metavar == "COMMAND")
    for name, keys in commands.items():
        assert {action.dest for action in choices[name]._actions} & recipe.RULES.keys() == keys  # freeze: adds to it
