"""The words of other libraries for layers: what is written here, what to do instead, or what no primitive does."""

from __future__ import annotations

from resnetc.compiler.fast_dataclass import record
from resnetc.grammar.primitives import ACTIVATIONS, NORM


def list_words(torch: str = "", keras: str = "", timm: str = "", flax: str = "", short: str = "") -> tuple[str, ...]:
    """The words of each library, and the short ones that everybody uses; `_` and `2d` in a word do not count."""
    return tuple(word for library in (torch, keras, timm, flax, short) for word in library.split())


@record(eq=True)
class MissingFeature:
    """What other libraries have and the primitives may lack: the answer depends on `PRIMITIVES`.

    `primitives` are the names under which it could be a primitive; the first that exists is the answer. `nearest` are
    the attributes of the primitives of its kind (`act#`), which the message lists. `instead` is what can be written.
    """

    what: str
    primitives: tuple[str, ...]
    words: tuple[str, ...]
    nearest: tuple[str, ...] = ()
    instead: str = ""


OWN_CLASS = "write it as a Python class, and apply it with `extern`"

WRITTEN: dict[str, tuple[str, ...]] = {
    "conv(64, kernel=3)": list_words(
        "Conv2d LazyConv2d", "Conv2D Convolution2D", "create_conv2d Conv2dSame", "Conv", "conv3x3"
    ),
    "conv(64, kernel=1)": list_words(short="conv1x1 pointwise pointwise_conv pw_conv"),
    "conv(64, kernel=3) |> norm |> act": list_words(
        "Conv2dNormActivation ConvNormActivation", "", "ConvNormAct ConvBnAct", "", "ConvBNReLU ConvBN conv_bn_act"
    ),
    "conv(in.channels, kernel=3, groups=in.channels)": list_words(
        "", "DepthwiseConv2D", "DepthwiseConv", "", "depthwise dw_conv"
    ),
    "conv(in.channels, kernel=3, groups=in.channels) |> conv(64, kernel=1)": list_words(
        "", "SeparableConv2D", "SeparableConvNormAct DepthwiseSeparableConv", "", "separable depthwise_separable"
    ),
    "plain_conv(64, kernel=4, stride=4, padding=0)": list_words("", "", "PatchEmbed", "", "patchify patch_embed"),
    "std_conv(64, kernel=3)": list_words("", "", "StdConv2d StdConv2dSame", "", "ws_conv weight_standardized_conv"),
    "std_conv(64, kernel=3, scaled=true, bias=true)": list_words("", "", "ScaledStdConv2d ScaledStdConv2dSame"),
    "norm": list_words("BatchNorm2d LazyBatchNorm2d batch_norm", "BatchNormalization", "", "BatchNorm"),
    "norm |> act": list_words("", "", "BatchNormAct2d BatchNormRelu get_norm_act_layer"),
    "group_norm(32)": list_words("GroupNorm", "GroupNormalization", "GroupNormAct", "GroupNorm", "gn"),
    "evo_norm_s0(32, eps=1e-3)": list_words("", "", "EvoNorm2dS0a"),
    "layer_norm": list_words(
        "LayerNorm", "LayerNormalization", "LayerNorm2d LayerNormExp2d SimpleNorm2d", "LayerNorm", "ln layernorm"
    ),
    "rms_norm": list_words("RMSNorm", "RMSNormalization", "RmsNorm RmsNorm2d", "RMSNorm"),
    "instance_norm": list_words("InstanceNorm2d", "InstanceNormalization", "", "InstanceNorm", "instancenorm"),
    "global_response_norm": list_words("", "", "GlobalResponseNorm GlobalResponseNormMlp", "", "grn GRN"),
    "response_norm": list_words("", "", "FilterResponseNormTlu2d FilterResponseNorm", "", "frn"),
    "act": list_words("ReLU relu", "Activation", "get_act_layer create_act_layer", "", "activation nonlinearity"),
    "silu": list_words(short="swish Swish"),
    "hard_silu": list_words("Hardswish", "hard_swish", "HardSwish", "hard_swish", "hswish h_swish HSwish"),
    "prelu(shared=true)": list_words("PReLU"),
    "prelu": list_words(short="p_relu parametric_relu"),
    "clip(0, 6)": list_words("ReLU6", "", "", "relu6", "clipped_relu"),
    "clip(-1, 1)": list_words("Hardtanh hardtanh clamp", "", "", "hard_tanh", "clip_by_value"),
    "max_pool(3, stride=2)": list_words(
        "MaxPool2d max_pool2d", "MaxPooling2D MaxPool2D", "MaxPool2dSame", "max_pool", "maxpool"
    ),
    "avg_pool(2, stride=2)": list_words(
        "AvgPool2d avg_pool2d", "AveragePooling2D AvgPool2D", "AvgPool2dSame", "avg_pool", "avg average_pool mean_pool"
    ),
    "global_avg_pool": list_words(
        "AdaptiveAvgPool2d adaptive_avg_pool2d",
        "GlobalAveragePooling2D GlobalAvgPool2D",
        "SelectAdaptivePool2d FastAdaptiveAvgPool2d",
        "",
        "avgpool gap mean global_pool global_average_pool global_average_pooling spatial_mean reduce_mean",
    ),
    "global_max_pool": list_words(
        "AdaptiveMaxPool2d adaptive_max_pool2d",
        "GlobalMaxPooling2D GlobalMaxPool2D",
        "",
        "",
        "gmp amax reduce_max global_maximum_pooling spatial_max",
    ),
    "global_sum_pool": list_words(short="gsp reduce_sum global_sum_pooling spatial_sum sum_pool sum_positions"),
    "position_softmax": list_words("Softmax2d", short="spatial_softmax softmax_positions softmax2d SpatialSoftmax"),
    "channel_mean": list_words(short="mean_over_channels channel_avg channel_avg_pool channel_average mean_channels"),
    "channel_max": list_words(short="max_over_channels channel_max_pool max_channels channel_maximum"),
    "blur_pool(3, stride=2)": list_words("", "", "BlurPool2d", "", "blurpool AntiAliasDownsample aa_pool"),
    "constant_pad(1)": list_words("ZeroPad2d ConstantPad2d", "ZeroPadding2D", "", "", "zero_pad pad padding"),
    "linear(10)": list_words(
        "Linear LazyLinear", "Dense", "ClassifierHead", "Dense", "fully_connected dense fc classifier"
    ),
    "dropout(0.5)": list_words("Dropout", "Dropout", "", "Dropout", "drop_out"),
    "[a, b] |> concat": list_words("cat concatenate", "Concatenate", "", "concatenate", "merge"),
    "[a, b] |> sum": list_words(short="add_n AddN"),
    "regroup(2, in.channels / 2)": list_words("ChannelShuffle channel_shuffle", short="shuffle"),
    "space_to_depth(2)": list_words("", "", "SpaceToDepth SpaceToDepthModule", "", "squeeze2d"),
    "space_to_depth(2) |> regroup(4, in.channels)": list_words("PixelUnshuffle pixel_unshuffle"),
    "space_to_depth(2) |> regroup(2, 2)": list_words(short="focus Focus"),
    "split(2)": list_words("chunk tensor_split", short="chunks split_channels"),
    "split([8, 24])": list_words("split_with_sizes", short="split_sizes"),
    "reshape([in.channels, 1, 1])": list_words("view Unflatten unsqueeze", "Reshape", "", "", "expand_dims"),
    "flatten": list_words(short="ravel squeeze"),
    "a + b": list_words("add FloatFunctional", "Add", "", "", "plus residual_add eltwise_add"),
    "a - b": list_words("sub subtract", "Subtract", short="minus"),
    "([a, b] |> sum) / 2": list_words("", "Average", short="average_branches"),
    "a * b": list_words("mul multiply", "Multiply", "", "", "times eltwise_mul"),
    "scale(init=1e-6)": list_words("", "", "LayerScale LayerScale2d", "", "gamma Parameter"),
    "scale(init=0, shape=[])": list_words(short="skip_init skipinit skipinit_gain re_zero rezero ReZero"),
    "shift": list_words(short="bias beta"),
    "in / 3": list_words("div divide true_divide", short="div_scalar"),
    "-in": list_words("neg negative"),
    "1 + in": list_words(short="add_constant add_scalar"),
    "nearest(x, 8)": list_words("", "", "make_divisible _make_divisible round_channels", "", "round round_filters"),
    "floor(a / b)": list_words(short="int floordiv"),
}
CALLED_WITH_BLOCKS = {  # items of the library, by the file that has them, and what others call them
    "blocks.basic(64)": list_words("BasicBlock", "", "", "", "ResidualBlock ResBlock ResNetBlock building_block"),
    "blocks.bottleneck(64)": list_words("Bottleneck", "", "", "BottleneckResNetBlock", "BottleneckBlock bottle_neck"),
    "blocks.preact_basic(64)": list_words("", "", "PreActBasic", "", "PreActBlock PreactBasicBlock"),
    "blocks.preact_bottleneck(64)": list_words("", "", "PreActBottleneck", "", "PreactBottleneckBlock"),
    "blocks.basic(64, attention=gates.se)": list_words(
        "SqueezeExcitation",
        "",
        "SqueezeExcite SEModule EffectiveSEModule",
        "",
        "se_block SELayer squeeze_excite squeeze_and_excitation squeeze_excite_block se_layer",
    ),
    "blocks.basic(64, attention=gates.eca)": list_words("", "", "EcaModule CecaModule", "", "eca_layer eca_block"),
    "blocks.basic(64, attention=gates.global_context)": list_words(
        "", "", "GlobalContext", "", "global_context ContextBlock gc_block GCBlock"
    ),
    "blocks.basic(64, drop=drops.linear_depth(0.1))": list_words(
        "StochasticDepth stochastic_depth", "", "DropPath", "", "droppath drop_connect survival_probability"
    ),
    "inverted.residual(64)": list_words(
        "InvertedResidual", "", "InvertedResidual", "", "MBConv mbconv inverted_residual MBConvBlock"
    ),
    "inverted.fused(64)": list_words("FusedMBConv", "", "EdgeResidual", "", "fused_mbconv FusedMBConvBlock"),
    "dense.dense(64)": list_words(short="DenseLayer DenseBlock dense_layer dense_block"),
    "csp.partial(64, 3, blocks.basic)": list_words(
        "", "", "CspStage CrossStage", "", "CSPLayer CSPBlock BottleneckCSP C3"
    ),
    "repvgg.trained(64)": list_words("", "", "RepVggBlock", "", "RepVGGBlock rep_vgg RepConv"),
}
ADVICE: dict[str, tuple[str, ...]] = {
    "chain layers with `|>`: `conv(64, kernel=3) |> norm |> act`": list_words(
        "Sequential ModuleList", "Model", "", "Module compact", "compose"
    ),
    "write `norm`, or `batch_norm` for batch normalization regardless of the slot `norm`": list_words(short="bn"),
    "write `batch_norm`: `torch.nn.SyncBatchNorm.convert_sync_batchnorm` converts the compiled module": list_words(
        "SyncBatchNorm", short="sync_bn"
    ),
    "write `batch_norm`, and put the norms of the compiled module into evaluation mode to freeze them": list_words(
        "FrozenBatchNorm2d", short="frozen_bn"
    ),
    "leave it off: a network ends in scores, and the loss applies the softmax to them": list_words(
        "Softmax log_softmax LogSoftmax", "Softmax", "", "log_softmax"
    ),
    "leave it off: a spec says what a network computes, and training applies the loss": list_words(
        "CrossEntropyLoss cross_entropy BCELoss MSELoss", "", "LabelSmoothingCrossEntropy"
    ),
    "gates are written as blocks: `gates.se` and `gates.eca` of `std.gates` are examples": list_words(
        "", "", "create_attn CbamModule GatherExcite SplitAttn SelectiveKernel", "", "cbam bam sk"
    ),
    "convolutions of kernel 1 are its layers on a map: `conv(256, kernel=1) |> act |> conv(64, kernel=1)`": list_words(
        "MLP", "", "Mlp ConvMlp GluMlp", "", "ffn feed_forward"
    ),
    "define your own layer as a `block` or a `policy`": list_words("", "Lambda", "", "", "lambda_layer custom"),
    "leave it off: recipes augment images, with `random_crop_padding` and `horizontal_flip`": list_words(
        "RandomHorizontalFlip RandomResizedCrop", "RandomFlip RandomCrop RandomRotation RandomZoom"
    ),
    "write the skip connection of a block as `shortcut(channels, stride)`": list_words(
        "",
        "",
        "downsample_conv downsample_avg",
        "",
        "skip residual skip_connection identity_mapping downsample projection",
    ),
    "the input of a block or a policy is `in`": list_words(short="x inputs input_tensor"),
    "an input is written `input [3, H, W] = [3, 224, 224]`": list_words("", "Input InputLayer"),
    "leave it off: the recipe's `normalise` brings images to mean 0 and deviation 1": list_words(
        "Normalize", "Rescaling Normalization"
    ),
    "write `none`": list_words(short="nil null nullptr"),
    "write a loop as `each i in range(n) { ... }`, and index lists: `widths[i]`": list_words(
        short="enumerate zip reversed"
    ),
    "numbers have `+`, `-`, `*` and `/`, `floor`, `ceil`, `nearest`, `min` and `max`": list_words(
        short="math sqrt pow log exp abs"
    ),
    "take channels with `split`: `let parts = in |> split([8, 24])`, then `parts[0]`": list_words(
        "narrow index_select", short="slice"
    ),
}


def make_missing_activation(*primitives: str, instead: str = "", short: str = "") -> MissingFeature:
    return MissingFeature(
        what="", primitives=primitives, words=(*primitives, *short.split()), nearest=ACTIVATIONS, instead=instead
    )


LACKING: tuple[MissingFeature, ...] = (
    make_missing_activation("selu"),
    make_missing_activation("celu"),
    make_missing_activation("rrelu"),
    make_missing_activation("hard_mish"),
    make_missing_activation("threshold"),
    make_missing_activation("softplus", short="softsign softshrink hardshrink tanhshrink log_sigmoid"),
    make_missing_activation("quick_gelu", short="star_relu squared_relu"),
    make_missing_activation(
        "glu", instead="`let p = in |> split(2)`, then `p[0] * (p[1] |> sigmoid)`, is the same function"
    ),
    MissingFeature(
        what="", primitives=("adaptive_instance_norm",), words=list_words("", "", "", "", "adain"), nearest=(NORM,)
    ),
    MissingFeature(
        what="",
        primitives=("local_response_norm",),
        words=list_words("LocalResponseNorm", short="lrn"),
        nearest=(NORM,),
    ),
    MissingFeature(
        what="",
        primitives=("weight_norm",),
        words=list_words("weight_norm spectral_norm", "SpectralNormalization"),
        nearest=(NORM,),
    ),
    MissingFeature(
        "operation that makes a map larger",
        ("resize", "upsample", "interpolate"),
        list_words(
            "Upsample UpsamplingBilinear2d UpsamplingNearest2d interpolate MaxUnpool2d",
            "UpSampling2D Resizing",
            "",
            "resize",
            "upscale unpool up bilinear upsample2x upsample_bilinear upsample_nearest fold",
        ),
    ),
    MissingFeature(
        "transposed convolution",
        ("conv_transpose", "transposed_conv", "deconv"),
        list_words(
            "ConvTranspose2d",
            "Conv2DTranspose",
            "",
            "ConvTranspose",
            "deconv transposed_conv Deconvolution2D tconv upconv",
        ),
    ),
    MissingFeature(
        "operation that moves channels into positions",
        ("depth_to_space", "pixel_shuffle"),
        list_words("PixelShuffle", short="depth_to_space"),
    ),
    MissingFeature(
        "operation that copies windows into channels",
        ("unfold",),
        list_words("Unfold im2col"),
        instead="`space_to_depth(2)` moves windows that do not overlap",
    ),
    MissingFeature(
        "pool by a power", ("lp_pool", "gem"), list_words("LPPool2d", short="gem gem_pool generalized_mean_pool")
    ),
    MissingFeature(
        "dropout of whole channels",
        ("channel_dropout", "dropout_channels"),
        list_words("Dropout2d FeatureAlphaDropout", "SpatialDropout2D", "DropBlock2d", "", "channel_dropout"),
        instead="`dropout(0.5)` drops single values",
    ),
    MissingFeature("noise", ("noise",), list_words("AlphaDropout", "GaussianNoise GaussianDropout")),
    MissingFeature(
        "attention over positions",
        ("attend", "self_attention"),
        list_words(
            "MultiheadAttention scaled_dot_product_attention TransformerEncoderLayer TransformerDecoderLayer",
            "MultiHeadAttention Attention",
            "AttentionPool2d",
            "SelfAttention MultiHeadDotProductAttention",
            "mhsa self_attention non_local NonLocalAttn HaloAttn LambdaLayer BottleneckAttn Transformer",
        ),
        instead=f"{OWN_CLASS}; the slot `attention` takes gates, such as `gates.se` of `std.gates`",
    ),
    MissingFeature(
        "convolution at learned offsets",
        ("deform_conv",),
        list_words("DeformConv2d", short="deformable_conv dcn deform_conv2d"),
        instead=OWN_CLASS,
    ),
    MissingFeature(
        "convolution that chooses its weights", ("cond_conv",), list_words("", "", "CondConv2d MixedConv2d")
    ),
    MissingFeature("maximum of tensors", ("maximum",), list_words("maximum", "Maximum", short="maxout")),
    MissingFeature(
        "product of matrices", ("matmul",), list_words("matmul bmm einsum", "Dot", short="dot"), instead=OWN_CLASS
    ),
    MissingFeature(
        "operation that reorders axes",
        ("permute",),
        list_words("permute transpose swapaxes moveaxis rearrange", "Permute"),
        instead=OWN_CLASS,
    ),
    MissingFeature(
        "memory of earlier inputs",
        ("lstm",),
        list_words("LSTM GRU RNN LSTMCell GRUCell RNNCell", "ConvLSTM2D Bidirectional SimpleRNN TimeDistributed"),
        instead=OWN_CLASS,
    ),
    MissingFeature("operation that crops a map", ("crop",), list_words("center_crop", "Cropping2D CenterCrop")),
    MissingFeature(
        "sampling at computed positions",
        ("grid_sample",),
        list_words("affine_grid", short="spatial_transformer"),
        instead=OWN_CLASS,
    ),
    MissingFeature(
        "pool of random windows", ("fractional_max_pool",), list_words("FractionalMaxPool2d", short="stochastic_pool")
    ),
    MissingFeature("minimum of tensors", ("minimum",), list_words("minimum", "Minimum", short="minout")),
    MissingFeature("table of embeddings", ("embedding",), list_words("Embedding", "Embedding", "", "Embed")),
    MissingFeature(
        "border that repeats the map", ("reflect_pad",), list_words("ReflectionPad2d ReplicationPad2d CircularPad2d")
    ),
)
LIBRARIES = frozenset(
    "F flax haiku hk jax jnp keras layers linen models nn np numpy ops self tf timm torch torchvision".split()
)
