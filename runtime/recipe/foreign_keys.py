"""What torch, timm, Lightning, transformers and Keras call the keys of a recipe, and what else they have."""

from collections.abc import Container, Mapping

from resnetc.runtime.errors import suggest_name
from resnetc.runtime.recipe.key_rules import Rule, quote_value
from resnetc.runtime.recipe.yaml_mapping import Value

FOREIGN_KEYS = {  # what torch, timm, Lightning and transformers call a key; the value may need another unit
    "learning_rate": "lr base_lr max_lr initial_lr",
    "epochs": "num_epochs n_epochs max_epochs num_train_epochs",
    "batch_size": "bs batchsize train_batch_size per_device_train_batch_size",
    "eval_batch_size": "val_batch_size validation_batch_size test_batch_size per_device_eval_batch_size",
    "seed": "random_seed manual_seed random_state",
    "deterministic": "use_deterministic_algorithms",
    "threads": "num_threads",
    "activation_checkpointing": "gradient_checkpointing grad_checkpointing",
    "accumulate": "accumulation_steps gradient_accumulation_steps accumulate_grad_batches grad_accum_steps",
    "compile": "torch_compile torchcompile jit use_compile",
    "graphs": "cuda_graph cuda_graphs cudagraphs use_cuda_graphs",
    "precision": "amp mixed_precision fp16 bf16 use_amp half autocast amp_dtype",
    "optimizer": "opt optim",
    "nesterov": "use_nesterov",
    "beta1": "betas opt_betas adam_beta1",
    "beta2": "adam_beta2",
    "epsilon": "eps opt_eps adam_epsilon",
    "weight_decay": "wd l2",
    "decay_norms": "norm_weight_decay bias_weight_decay",
    "schedule": "sched scheduler lr_scheduler lr_schedule lr_scheduler_type",
    "warmup": "warmup_epochs warmup_steps warmup_ratio lr_warmup_epochs pct_start",
    "warmup_from": "warmup_lr warmup_factor lr_warmup_decay",
    "warmup_shape": "lr_warmup_method warmup_method",
    "final_lr_ratio": "min_lr lr_min eta_min end_lr",
    "milestones": "lr_steps lr_milestones step_size lr_step_size decay_epochs decay_milestones",
    "gamma": "lr_gamma decay_rate lr_decay",
    "workers": "num_workers n_workers num_data_workers dataloader_num_workers",
    "image_size": "img_size input_size size crop_size val_crop_size",
    "train_size": "train_crop_size train_image_size progressive_size",
    "eval_resize": "resize resize_size val_resize_size crop_pct",
    "crop_scale": "scale random_resized_crop",
    "crop_ratio": "ratio aspect_ratio",
    "random_crop_padding": "padding pad random_crop crop_padding",
    "horizontal_flip": "hflip fliplr random_horizontal_flip",
    "normalise": "normalize normalization normalisation",
    "label_smoothing": "smoothing label_smoothing_factor",
    "max_grad_norm": "clip_grad clip_grad_norm grad_clip gradient_clip gradient_clip_val grad_clip_norm",
    "save_every": "save_steps checkpoint_every checkpoint_interval every_n_train_steps save_interval",
    "head_lr_ratio": "head_lr head_lr_mult classifier_lr",
    "layer_decay": "layerwise_lr_decay layer_wise_lr_decay llrd lr_layer_decay",
    "freeze": "frozen freeze_layers freeze_at freeze_bn freeze_norms frozen_stages",
    "ema_decay": "model_ema model_ema_decay ema_rate",
    "class_weights": "class_weight pos_weight loss_weights",
    "sampling": "sampler weighted_sampler balanced_sampler",
    "color_jitter": "colour_jitter brightness contrast saturation",
    "train_resize": "resize_side_min resize_side_max scale_augmentation scale_jitter shorter_side short_side "
    "random_shortest_size random_scale",
    "rand_augment": "randaugment rand_aug randaug aa",
    "magnitude_std": "mstd rand_augment_std",
    "aug_repeats": "ra_sampler ra_reps repeated_augmentation repeated_aug num_repeats repeat_aug",
    "trivial_augment": "trivialaugment trivialaugmentwide ta_wide",
    "early_stopping": "patience early_stop early_stopping_patience",
    "drop_path": "drop_path_rate stochastic_depth stochastic_depth_prob drop_connect",
    "lighting": "pca_noise pca_lighting color_augmentation",
    "random_erasing": "reprob random_erase random_erasing_prob cutout erasing",
    "mixup": "mixup_alpha",
    "cutmix": "cutmix_alpha",
    "sync_batch_norm": "sync_bn syncbn convert_sync_batchnorm",
    "loss": "criterion loss_fn bce_loss",
    "validation": "val_split validation_split val_fraction valid_pct",
    "holdout": "test_split test_size test_fraction",
}
EARLIER_KEYS = {  # keys of recipes and runs that an earlier resnetc wrote: another name for the same value
    "batch": "batch_size",
    "clip": "max_grad_norm",
    "crop": "random_crop_padding",
    "ema": "ema_decay",
    "eval_batch": "eval_batch_size",
    "final": "final_lr_ratio",
    "flip": "horizontal_flip",
    "recompute": "activation_checkpointing",
}
OTHER_NAMES = EARLIER_KEYS | {word: key for key, words in FOREIGN_KEYS.items() for word in words.split()}
ELSEWHERE = {  # settings that are no part of a recipe
    "name the data set with `--data`": "data dataset data_path data_dir train_data",
    "name the folder of the run with `--out`": "out output_dir out_dir save_dir log_dir logdir run_name name",
    "continue a stopped run with `--resume --out DIR`": "resume resume_from checkpoint",
    "start from weights with `--init FILE`, or from a run with `--init RUN`": (
        "pretrained init weights init_from finetune transfer checkpoint_path"
    ),
    "set a parameter of the model with `--set`, such as `--set classes=10`": (
        "model arch num_classes n_classes classes drop_rate dropout in_chans"
    ),
    "log to TensorBoard or Weights & Biases with `--log tensorboard` or `--log wandb`": (
        "wandb tensorboard logger report_to"
    ),
    "`torchrun` starts several processes": "world_size gpus num_gpus devices num_nodes distributed strategy ddp",
}
LACKING_KEYS = {  # what recipes lack, unless one of the words is a key by now
    "probability of mixing: each image is mixed": "mixup_prob mixup_switch_prob",
    "automatic augmentation besides `trivial_augment` and `rand_augment`": "auto_augment augmentation augment augmix",
    "change of the hue": "hue",
    "vertical flip or rotation": "vflip vertical_flip rotation degrees random_rotation",
    "choice of the interpolation": "interpolation train_interpolation",
    "choice of the metrics": "metrics metric monitor",
    "choice of the device": "device accelerator gpu cuda",
    "settings of the loading besides `workers`": "pin_memory prefetch prefetch_factor persistent_workers",
    "restart of the schedule": "restarts t_mult t_0 cycle_length num_cycles",
    "logging to other services": "mlflow comet log_every log_interval",
    "distillation": "teacher distillation temperature kd_alpha",
    "stochastic weight averaging": "swa swa_start swa_lr",
}


def describe_absence(word: str, keys: Container[str]) -> str:
    """What to do where no key has the meaning of `word`, or nothing; `keys` are those that exist."""
    for advice, words in ELSEWHERE.items():
        if word in words.split():
            return advice
    for what, words in LACKING_KEYS.items():
        if word in words.split():
            key = next((key for key in words.split() if key in keys), "")
            return f"write `{key}`" if key else f"recipes have no {what}"
    return ""


def find_key(word: str) -> str | None:
    """The key that is meant by an earlier or foreign name, however it is written; None where it is not known."""
    return OTHER_NAMES.get(word.strip().lower().replace("-", "_"))


def describe_unknown_key(word: str, place: str, others: Mapping[str, Value], rules: Mapping[str, Rule]) -> str:
    """The message about a key that no recipe has; it lists the `others` that have another name as well.

    rules: those of the keys that there are."""
    key = find_key(word)
    if key is None and (why := describe_absence(word.strip().lower().replace("-", "_"), rules)):
        return f"{place}: unknown key `{quote_value(word)}`: {why}"
    if key is None:
        return f"{place}: unknown key `{quote_value(word)}`{suggest_name(word, rules)}"
    rest = [f"`{quote_value(other)}` is `{find_key(other)}` ({others[other].key_place})" for other in others]
    also = "; likewise " + ", ".join(rest) if rest else ""
    return f"{place}: unknown key `{quote_value(word)}`: write `{key}` ({rules[key].meaning}){also}"
