"""The words of other libraries for parameters, slots, types, fields and figures."""

from __future__ import annotations

SETTINGS = {  # of a model
    "classes": "class_count classes_num n_classes nb_classes num_class num_classes num_labels output_classes",
    "channels": "in_channels in_ch in_chans input_channels n_channels num_channels num_input_channels",
    "act": "act_layer activation activation_layer",
    "dropout": "drop_rate dropout_rate",
    "drop": "drop_path drop_path_rate drop_connect_rate stochastic_depth_prob",
    "attention": "attn_layer attention_layer se_layer",
    "norm": "norm_layer normalization_layer",
    "antialias": "aa_layer",
    "depth": "num_layers n_layers",
    "depths": "layers num_blocks block_counts",
    "width": "base_width width_per_group",
}
PARAMETERS = {  # of a layer, a block or a policy; a word leads to the first that the call can take
    "channels": "filters out_channels out_planes planes out_chs out_ch num_filters output_channels features width",
    "width": "filters out_channels out_planes planes out_chs out_ch num_filters output_channels features channels",
    "features": "units out_features output_dim out_dim classes num_classes channels hidden_units",
    "kernel": "kernel_size ks k filter_size filter_shape pool_size window window_shape size",
    "stride": "strides s stride_size window_strides",
    "padding": "pad paddings pads",
    "amount": "padding pad paddings pad_width",
    "value": "constant_values constant_value",
    "dilation": "dilation_rate dilations kernel_dilation rhs_dilation atrous_rate",
    "groups": "feature_group_count num_groups n_groups cardinality group_count",
    "bias": "use_bias with_bias has_bias",
    "rate": "p drop_prob drop_rate prob probability dropout_rate",
    "eps": "epsilon variance_epsilon norm_eps",
    "gain": "gain_init gamma_init",
    "slope": "negative_slope alpha leak init",
    "shared": "num_parameters shared_axes",
    "low": "min min_val min_value a_min lower",
    "high": "max max_val max_value a_max upper",
    "ceil": "ceil_mode",
    "count_padding": "count_include_pad",
    "parts": (
        "chunks sections num_splits num_or_size_splits indices_or_sections split_size split_size_or_sections sizes n"
    ),
    "shape": "target_shape newshape new_shape",
    "ratio": "rd_ratio se_ratio",
    "norm": "norm_layer normalization norm_cls",
    "act": "act_layer activation activation_layer act_fn nonlinearity",
    "attention": "se attn_layer attention_layer se_layer attn use_se squeeze_excite gate",
    "drop": "drop_path drop_path_rate stochastic_depth stochastic_depth_prob survival_prob",
    "shortcut": "downsample skip shortcut_type projection residual",
    "antialias": "aa_layer anti_alias blur",
    "conv": "conv_layer conv_cls",
    "entry": "stem stem_type",
    "stem_pool": "maxpool pool",
}
NO_WEIGHTS = "no weights are shipped: `train --init FILE` and `load_state_dict` take yours"
NEEDLESS = {  # what to do about a parameter that has no counterpart
    "remove it: input channels are inferred": (
        "in_channels in_planes inplanes in_features num_channels in_chs in_ch input_dim num_features normalized_shape"
    ),
    "remove it: an input is declared once, as `input [3, H, W] = [3, 224, 224]`": "input_shape batch_size",
    "remove it: specs have no in-place operations": "inplace",
    "remove it: device and precision are chosen when the compiled module runs": "device dtype param_dtype precision",
    "remove it: the channels come first, and operations know their axis": "data_format axis dim channel_axis",
    "remove it: initial values follow from the layers, and weight decay is a key of the recipe": (
        "kernel_initializer kernel_init bias_initializer bias_init weight_init kernel_regularizer bias_regularizer"
    ),
    "remove it: norms always have a weight, a bias and, for batches, running statistics": (
        "affine track_running_stats center scale use_scale use_running_average elementwise_affine"
    ),
    "remove it: borders are zeros; another constant is written `constant_pad(1, value=...)`": "padding_mode",
    "remove it: `global_avg_pool` leaves one position, and other pools have a window": "output_size return_indices",
    "remove it: `norm(gain=0)` before its sum starts a block at zero": "zero_init_residual zero_init_last zero_init",
    "chain it after the layer: `conv(64, kernel=3) |> relu`": "activation act act_layer",
    "chain it after the layer: `conv(64, kernel=3) |> norm`": "norm norm_layer",
    "label the layer instead: `name: conv(64, kernel=3)`": "name",
    "a width is divided by it: write `ratio=1 / 16` for 16": "reduction reduction_ratio",
    NO_WEIGHTS: "pretrained weights checkpoint_path include_top",
}
PADDINGS = {  # the paddings that are words
    "same": "leave it off: without `padding` a stride of 1 keeps the size, and a stride of 2 halves it rounded up",
    "valid": "write `padding=0`",
}
TYPES_ELSEWHERE = {
    "number": "float double real float32 fraction",
    "string": "str text char",
    "bool": "boolean flag bool_",
    "int": "integer uint i32 int32 int64 long",
    "list": "tuple array sequence vec dict",
    "tensor": "Tensor ndarray Array map",
    "layer": "Module module callable Callable block policy",
    "size": "shape kernel_size",
}
FIELDS = {  # of a tensor, of `here`, of a stage
    "channels": "c C ch filters num_channels out_channels features",
    "rank": "ndim dim dims axes",
}
SIZES = frozenset(("shape", "size", "height", "width", "h", "w", "H", "W", "length"))
NO_SIZES = "no choice in a network depends on the size of a map: only `channels` and `rank` are numbers"
FIGURES = {  # that claims speak of
    "multiply_adds": "flop flops gflops gmacs macs mac madds mult_adds multadds compute ops",
    "weighted_layers": "depth layers num_layers n_layers",
    "activation_bytes": "memory peak_memory activations mem",
    "receptive_field": "field rf receptive",
    "parameters": "num_params params n_params num_parameters param_count weights size",
    "accepts": "min_size accepted_sizes",
}
