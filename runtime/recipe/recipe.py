"""A recipe: all settings of a training run; every key has a default, a rule and a meaning."""

import dataclasses
from dataclasses import dataclass, field

from resnetc.runtime.recipe.key_rules import Rule, Setting, define_key, format_value
from resnetc.runtime.recipe.places import Places


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of a run except the network and the data.

    Points in time (`warmup`, `milestones`) are shares of the whole run, so the shape of the schedule does not depend
    on `epochs`. `places` is no setting: where the keys were written, for messages.
    """

    epochs: int = define_key(10, "int", "passes over the training images", low=1, high=1_000_000)
    batch_size: int = define_key(
        128, "int", "images per training step; an incomplete last batch is dropped", low=1, high=1 << 20
    )
    eval_batch_size: int = define_key(500, "int", "images per evaluation step", low=1, high=1 << 20)
    seed: int = define_key(0, "int", "seed of initial weights, order, augmentation and dropout", low=0, high=2**32 - 1)
    deterministic: bool = define_key(False, "flag", "only deterministic kernels (matters on CUDA)")
    threads: int = define_key(0, "int", "CPU threads; 0: torch's default", low=0, high=1024)
    workers: int | None = define_key(
        None,
        "auto",
        "photographs: decoding processes; 0: decode in the training process; auto: one per CPU, at most 8",
        low=0,
        high=1024,
        may_change=True,
    )
    activation_checkpointing: bool = define_key(
        False, "flag", "recompute each block's activations in the backward pass"
    )
    accumulate: int = define_key(
        1, "int", "parts of a batch that are computed one after another and make one update", low=1, high=4096
    )
    precision: str = define_key(
        "auto",
        "choice",
        "number format of a step; auto: bfloat16 on a CUDA device that supports it, else float32 (on CUDA as TF32)",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    compile: str = define_key(
        "auto",
        "choice",
        "torch.compile; default: once per class of block; max-autotune: the whole network; auto: default on CUDA",
        choices=("auto", "off", "default", "max-autotune"),
    )
    graphs: str = define_key(
        "auto",
        "choice",
        "auto: a CUDA graph of the whole step, if there is one process; off: every kernel is launched separately",
        choices=("auto", "off"),
    )

    optimizer: str = define_key(
        "sgd", "choice", "SGD with momentum, AdamW, Muon or LAMB", choices=("sgd", "adamw", "muon", "lamb")
    )
    learning_rate: float = define_key(0.1, "number", "the peak of the schedule", positive=True, high=1e3)
    momentum: float = define_key(0.9, "number", "sgd, muon: factor of the previous update", low=0, high=0.9999)
    nesterov: bool = define_key(True, "flag", "sgd, muon: Nesterov momentum")
    beta1: float = define_key(0.9, "number", "adamw, muon, lamb: decay of the mean gradient", low=0, high=0.9999)
    beta2: float = define_key(
        0.999, "number", "adamw, muon, lamb: decay of the mean squared gradient", low=0, high=0.999999
    )
    epsilon: float = define_key(1e-8, "number", "adamw, muon, lamb: added to the denominator", positive=True, high=1)
    weight_decay: float = define_key(5e-4, "number", "weight decay (L2; decoupled for AdamW and Muon)", low=0, high=10)
    head_lr_ratio: float = define_key(
        1.0, "number", "learning rate of the head, as a multiple of that of the stages", positive=True, high=1e4
    )
    layer_decay: float = define_key(
        1.0, "number", "factor of the learning rate for each stage further from the head", positive=True, high=1
    )
    freeze: tuple[str, ...] = define_key(
        (), "names", "parts that do not change: stem, stage1 ..., norms, a module's name, or a pattern with *"
    )
    decay_norms: bool = define_key(False, "flag", "apply weight decay to norms, biases, `scale` and `shift` too")

    schedule: str = define_key(
        "cosine",
        "choice",
        "the learning rate after the warm-up; onecycle: a cosine up and a cosine down",
        choices=("constant", "step", "cosine", "linear", "onecycle"),
    )
    warmup: float = define_key(0.0, "number", "length of the warm-up, as a share of the run", low=0, high=0.99)
    warmup_from: float = define_key(
        0.04, "number", "learning rate at the start of the warm-up, as a share of the peak", low=0, high=1
    )
    warmup_shape: str = define_key(
        "linear",
        "choice",
        "linear, or constant at warmup_from (onecycle: always a cosine)",
        choices=("linear", "constant"),
    )
    final_lr_ratio: float = define_key(
        0.0, "number", "cosine, linear, onecycle: last learning rate, as a share of the peak", low=0, high=1
    )
    milestones: tuple[float, ...] = define_key(
        (), "numbers", "step: where the learning rate falls, as shares of the run", low=0, high=1
    )
    gamma: float = define_key(
        0.1, "number", "step: factor of the learning rate at each milestone", positive=True, high=1
    )

    image_size: int | None = define_key(
        None,
        "auto",
        "photographs: side of the crop in pixels; auto: the images' own size if they have one, else the spec's",
        low=1,
        high=1 << 14,
    )
    train_size: tuple[int, ...] = define_key(
        (),
        "ints",
        "photographs: side of the training crops, if not image_size; several: in turn, in equal parts of the run",
        low=1,
        high=1 << 14,
    )
    eval_resize: int | None = define_key(
        None,
        "auto",
        "photographs: short side before evaluation crops the centre; auto: image_size / 0.875",
        low=1,
        high=1 << 14,
    )
    crop_scale: tuple[float, ...] = define_key(
        (0.08, 1.0), "range", "photographs: area of a random crop, as shares of the whole", positive=True, high=1
    )
    crop_ratio: tuple[float, ...] = define_key(
        (0.75, 1.333), "range", "photographs: width / height of a random crop", low=0.01, high=100
    )
    train_resize: tuple[int, ...] = define_key(
        (),
        "sides",
        "photographs: range of the random short side before a random crop; []: crop_scale and crop_ratio",
        low=1,
        high=1 << 14,
    )
    trivial_augment: bool = define_key(
        False, "flag", "photographs: a random operation of random strength on every image (TrivialAugment)"
    )
    rand_augment: str = define_key(
        "none",
        "choice",
        "photographs: num_ops random operations on every image (RandAugment), as in its paper or as in timm",
        choices=("none", "paper", "timm"),
    )
    num_ops: int = define_key(
        2, "int", "rand_augment: operations on an image; timm: each is done with probability 1/2", low=1, high=16
    )
    magnitude: float = define_key(9.0, "number", "rand_augment: strength of the operations, at most 10", low=0, high=10)
    magnitude_std: float = define_key(
        0.0, "number", "rand_augment: standard deviation of the magnitude across operations", low=0, high=10
    )
    random_crop_padding: int = define_key(
        0,
        "int",
        "in memory: pixels (or steps) of padding on each side before a random crop; 0: no crop",
        low=0,
        high=1024,
    )
    horizontal_flip: bool = define_key(False, "flag", "mirror images left to right, each with probability 1/2")
    noise: float = define_key(
        0.0,
        "number",
        "in memory: standard deviation of Gaussian noise, in units of the data's; 0: none",
        low=0,
        high=10,
    )
    color_jitter: float = define_key(
        0.0, "number", "brightness, contrast and saturation change by up to this share; 0: no change", low=0, high=1
    )
    lighting: float = define_key(
        0.0, "number", "standard deviation of the shift along the principal colours; 0: none", low=0, high=1
    )
    random_erasing: float = define_key(0.0, "number", "probability that a box of an image is erased", low=0, high=1)
    mixup: float = define_key(
        0.0,
        "number",
        "mix pairs of images and their labels, with shares from Beta(mixup, mixup); 0: off",
        low=0,
        high=100,
    )
    cutmix: float = define_key(
        0.0,
        "number",
        "paste a box of another image, its area from Beta(cutmix, cutmix); 0: off; with mixup: one of both at random",
        low=0,
        high=100,
    )
    holdout: float = define_key(
        0.0, "number", "share of the images that becomes the test part of a set without one", low=0, high=0.9
    )
    validation: float = define_key(
        0.0,
        "number",
        "share of the training images that chooses the best epoch; 0: the test images do",
        low=0,
        high=0.9,
    )
    split_seed: int = define_key(0, "int", "seed of what holdout and validation set aside", low=0, high=2**32 - 1)
    normalise: str = define_key(
        "channel",
        "choice",
        "subtract the training images' mean, per channel or per pixel; divide by each channel's standard deviation",
        choices=("channel", "pixel"),
    )
    loss: str = define_key(
        "cross_entropy",
        "choice",
        "cross-entropy, or bce: binary cross-entropy, one yes or no per class",
        choices=("cross_entropy", "bce"),
    )
    sync_batch_norm: bool = define_key(
        False, "flag", "several processes: batch norms use the statistics of the whole batch"
    )
    class_weights: str | tuple[float, ...] = define_key(
        "none",
        "weights",
        "weight of each class in the loss; balanced: inverse to its number of images",
        choices=("none", "balanced"),
        positive=True,
        high=1e6,
    )
    sampling: str = define_key(
        "shuffled",
        "choice",
        "shuffled: each image once per epoch; balanced: equally many images of each class",
        choices=("shuffled", "balanced"),
    )
    aug_repeats: int = define_key(
        1,
        "int",
        "times an image is used in an epoch, each with its own augmentation (repeated augmentation)",
        low=1,
        high=64,
    )
    label_smoothing: float = define_key(0.0, "number", "share of the target spread over all classes", low=0, high=0.9)
    drop_path: float = define_key(
        0.0,
        "number",
        "stochastic depth: the last block's rate; earlier blocks get a proportional one; set in the spec",
        low=0,
        high=0.99,
    )
    max_grad_norm: float = define_key(
        0.0, "number", "clip the norm of the whole gradient to this; 0: no clipping", low=0, high=1e9
    )
    ema_decay: float = define_key(
        0.0,
        "number",
        "decay of the moving average of the weights, which is then evaluated; 0: none",
        low=0,
        high=0.999999,
    )
    early_stopping: int = define_key(
        0,
        "int",
        "stop after this many epochs without a better one; 0: never",
        low=0,
        high=1_000_000,
    )
    save_every: str = define_key(
        "10 min",
        "interval",
        "save the state this often, and after every epoch; 0: only after every epoch",
        may_change=True,
    )

    places: Places = field(default_factory=dict, compare=False, repr=False)

    def to_settings(self) -> dict[str, Setting]:
        """Every key with its value."""
        return {key: getattr(self, key) for key in RULES}

    def to_yaml(self) -> str:
        """This recipe as YAML, every key with its meaning as a comment; `recipe_file.load` reads it back."""
        lines = [(f"{name}: {format_value(getattr(self, name))}", rule.meaning) for name, rule in RULES.items()]
        width = max(len(line) for line, _ in lines)
        return "".join(f"{line:<{width}}  # {meaning}\n" for line, meaning in lines)


RULES: dict[str, Rule] = {entry.name: entry.metadata["rule"] for entry in dataclasses.fields(Recipe) if entry.metadata}
