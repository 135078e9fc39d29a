"""The nets of the shipped zoo by the files that they stand in, and those of them that every run tests."""

LIBRARIES = {"torchvision": "tv", "timm": "timm"}

# Every net of the family, by the file that it stands in.
NAMES = {
    "torchvision/resnet": """
        resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d resnext101_64x4d
        wide_resnet50_2 wide_resnet101_2
    """,
    "torchvision/video": "r3d_18 mc3_18 r2plus1d_18",
    "timm/resnet": """
        resnet10t resnet14t resnet18 resnet18d resnet34 resnet34d resnet26 resnet26t resnet26d resnet50 resnet50c
        resnet50d resnet50s resnet50t resnet101 resnet101c resnet101d resnet101s resnet152 resnet152c resnet152d
        resnet152s resnet200 resnet200d wide_resnet50_2 wide_resnet101_2 resnet50_gn resnext50_32x4d resnext50d_32x4d
        resnext101_32x4d resnext101_32x8d resnext101_32x16d resnext101_32x32d resnext101_64x4d ecaresnet26t
        ecaresnet50d ecaresnet50d_pruned ecaresnet50t ecaresnetlight ecaresnet101d ecaresnet101d_pruned ecaresnet200d
        ecaresnet269d ecaresnext26t_32x4d ecaresnext50t_32x4d seresnet18 seresnet34 seresnet50 seresnet50t seresnet101
        seresnet152 seresnet152d seresnet200d seresnet269d seresnext26d_32x4d seresnext26t_32x4d seresnext50_32x4d
        seresnext101_32x4d seresnext101_32x8d seresnext101d_32x8d seresnext101_64x4d senet154 resnetblur18 resnetblur50
        resnetblur50d resnetblur101d resnetaa34d resnetaa50 resnetaa50d resnetaa101d seresnetaa50d
        seresnextaa101d_32x8d seresnextaa201d_32x8d resnetrs50 resnetrs101 resnetrs152 resnetrs200 resnetrs270
        resnetrs350 resnetrs420 test_resnet
    """,
    "timm/resnetv2": """
        resnetv2_50x1_bit resnetv2_50x3_bit resnetv2_101x1_bit resnetv2_101x3_bit resnetv2_152x2_bit
        resnetv2_152x4_bit resnetv2_18 resnetv2_18d resnetv2_34 resnetv2_34d resnetv2_50 resnetv2_50d resnetv2_50t
        resnetv2_101 resnetv2_101d resnetv2_152 resnetv2_152d resnetv2_50d_gn resnetv2_50d_evos resnetv2_50d_frn
    """,
    "timm/sknet": "skresnet18 skresnet34 skresnet50 skresnet50d skresnext50_32x4d",
    "timm/res2net": """
        res2net50_26w_4s res2net101_26w_4s res2net50_26w_6s res2net50_26w_8s res2net50_48w_2s res2net50_14w_8s
        res2next50 res2net50d res2net101d
    """,
    "timm/resnest": """
        resnest14d resnest26d resnest50d resnest101e resnest200e resnest269e resnest50d_4s2x40d resnest50d_1s4x24d
    """,
    "timm/senet": """
        legacy_seresnet18 legacy_seresnet34 legacy_seresnet50 legacy_seresnet101 legacy_seresnet152 legacy_senet154
        legacy_seresnext26_32x4d legacy_seresnext50_32x4d legacy_seresnext101_32x4d
    """,
    "timm/densenet": "densenet121 densenet169 densenet201 densenet161 densenet264d densenetblur121d",
    "timm/dpn": "dpn68 dpn92 dpn98 dpn131 dpn107 dpn68b dpn48b",
    "timm/vovnet": """
        vovnet39a vovnet57a ese_vovnet39b ese_vovnet57b ese_vovnet99b ese_vovnet19b_slim ese_vovnet19b_slim_dw
        ese_vovnet19b_dw eca_vovnet39b ese_vovnet39b_evos
    """,
    "timm/dla": """
        dla34 dla60 dla102 dla169 dla60x dla102x dla102x2 dla46_c dla46x_c dla60x_c dla60_res2net dla60_res2next
    """,
    "timm/xception": "legacy_xception",
    "timm/xception_aligned": "xception41 xception65 xception71 xception41p xception65p",
    "timm/hgnet": """
        hgnet_tiny hgnet_small hgnet_base hgnetv2_b4 hgnetv2_b5 hgnetv2_b6 hgnetv2_b3 hgnetv2_b2 hgnetv2_b1 hgnetv2_b0
    """,
    "timm/convmixer": "convmixer_1536_20 convmixer_768_32 convmixer_1024_20_ks9_p14",
    "timm/inception_resnet_v2": "inception_resnet_v2",
    "timm/convnext": """
        convnext_tiny convnext_small convnext_base convnext_large convnext_xlarge convnext_xxlarge convnext_large_mlp
        convnext_atto convnext_femto convnext_pico convnext_nano convnext_atto_rms convnext_atto_ols
        convnext_femto_ols convnext_pico_ols convnext_nano_ols convnext_tiny_hnf convnextv2_tiny convnextv2_small
        convnextv2_base convnextv2_large convnextv2_huge convnextv2_atto convnextv2_femto convnextv2_pico
        convnextv2_nano test_convnext test_convnext2 test_convnext3
    """,
    "torchvision/convnext": "convnext_tiny convnext_small convnext_base convnext_large",
    "torchvision/densenet": "densenet121 densenet161 densenet169 densenet201",
    "timm/cspnet": """
        cspresnet50 cspresnet50d cspresnet50w cspresnext50 cs3darknet_l cs3darknet_s cs3darknet_m cs3darknet_x
        cs3darknet_focus_l cs3darknet_focus_s cs3darknet_focus_m cs3darknet_focus_x cs3sedarknet_l cs3sedarknet_x
        cs3edgenet_x cs3se_edgenet_x cs3sedarknet_xdw darknet17 darknet21 darknet53 darknetaa53 sedarknet21
        cspdarknet53
    """,
    "timm/byobnet": """
        gcresnet33ts gcresnext26ts gcresnext50ts gcresnet50t
        resnet51q resnet61q resnext26ts seresnext26ts eca_resnext26ts resnet32ts resnet33ts seresnet33ts
        eca_resnet33ts resnet50_clip_gap resnet101_clip_gap resnet50x4_clip_gap resnet50x16_clip_gap
        resnet50x64_clip_gap resnet50_mlp regnetz_b16 regnetz_c16 regnetz_d32 regnetz_d8 regnetz_e8 repvgg_a0
        repvgg_a1 repvgg_a2 repvgg_b0 repvgg_b1 repvgg_b2 repvgg_b3 repvgg_b1g4 repvgg_b2g4 repvgg_b3g4 repvgg_d2se
        mobileone_s0 mobileone_s1 mobileone_s2 mobileone_s3 mobileone_s4 test_byobnet gernet_l gernet_m gernet_s
    """,
    "timm/regnet": """
        regnetx_002 regnetx_004 regnetx_004_tv regnetx_006 regnetx_008 regnetx_016 regnetx_032 regnetx_040
        regnetx_064 regnetx_080 regnetx_120 regnetx_160 regnetx_320 regnety_002 regnety_004 regnety_006 regnety_008
        regnety_008_tv regnety_016 regnety_032 regnety_040 regnety_064 regnety_080 regnety_080_tv regnety_120
        regnety_160 regnety_320 regnety_640 regnety_1280 regnety_2560 regnety_040_sgn regnetv_040 regnetv_064
        regnetz_005 regnetz_040 regnetz_040_h
    """,
    "timm/efficientnet": """
        mobilenetv1_100 mobilenetv1_100h mobilenetv1_125 mobilenetv2_035 mobilenetv2_050 mobilenetv2_075
        mobilenetv2_100 mobilenetv2_110d mobilenetv2_120d mobilenetv2_140 mnasnet_050 mnasnet_075 mnasnet_100
        mnasnet_140 semnasnet_050 semnasnet_075 semnasnet_100 semnasnet_140 mnasnet_small fbnetc_100 spnasnet_100
        efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5
        efficientnet_b6 efficientnet_b7 efficientnet_b8 efficientnet_l2 efficientnet_b0_gn efficientnet_b0_g8_gn
        efficientnet_b0_g16_evos efficientnet_b3_gn efficientnet_b3_g8_gn efficientnet_blur_b0 efficientnet_lite0
        efficientnet_lite1 efficientnet_lite2 efficientnet_lite3 efficientnet_lite4 tinynet_a tinynet_b tinynet_c
        tinynet_d tinynet_e efficientnet_es efficientnet_es_pruned efficientnet_em efficientnet_el
        efficientnet_el_pruned efficientnetv2_s efficientnetv2_m efficientnetv2_l efficientnetv2_xl
        gc_efficientnetv2_rw_t
        efficientnetv2_rw_t efficientnetv2_rw_s efficientnetv2_rw_m mobilenet_edgetpu_100 mobilenet_edgetpu_v2_xs
        mobilenet_edgetpu_v2_s mobilenet_edgetpu_v2_m mobilenet_edgetpu_v2_l test_efficientnet test_efficientnet_gn
        mixnet_s mixnet_m mixnet_l mixnet_xl mixnet_xxl
    """,
    "timm/mobilenetv3": """
        mobilenetv3_large_075 mobilenetv3_large_100 mobilenetv3_large_150d mobilenetv3_small_050
        mobilenetv3_small_075 mobilenetv3_small_100 mobilenetv3_rw fbnetv3_b fbnetv3_d fbnetv3_g lcnet_035 lcnet_050
        lcnet_075 lcnet_100 lcnet_150 mobilenetv4_conv_small mobilenetv4_conv_small_035 mobilenetv4_conv_small_050
        mobilenetv4_conv_medium mobilenetv4_conv_large mobilenetv4_conv_aa_medium mobilenetv4_conv_aa_large
        mobilenetv4_conv_blur_medium
    """,
    "timm/hardcorenas": "hardcorenas_a hardcorenas_b hardcorenas_c hardcorenas_d hardcorenas_e hardcorenas_f",
    "timm/rexnet": """
        rexnet_100 rexnet_130 rexnet_150 rexnet_200 rexnet_300 rexnetr_100 rexnetr_130 rexnetr_150 rexnetr_200
        rexnetr_300
    """,
    "timm/ghostnet": "ghostnet_050 ghostnet_100 ghostnet_130",
    "timm/repghost": """
        repghostnet_050 repghostnet_058 repghostnet_080 repghostnet_100 repghostnet_111 repghostnet_130
        repghostnet_150 repghostnet_200
    """,
    "timm/starnet": "starnet_s1 starnet_s2 starnet_s3 starnet_s4 starnet_s050 starnet_s100 starnet_s150",
    "timm/fasternet": "fasternet_t0 fasternet_t1 fasternet_t2 fasternet_s fasternet_m fasternet_l",
    "torchvision/efficientnet": """
        efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5
        efficientnet_b6 efficientnet_b7 efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l
    """,
    "torchvision/mobilenetv2": "mobilenet_v2",
    "torchvision/mobilenetv3": "mobilenet_v3_large mobilenet_v3_small",
    "torchvision/mnasnet": "mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3",
    "torchvision/shufflenetv2": "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0",
    "torchvision/squeezenet": "squeezenet1_0 squeezenet1_1",
    "torchvision/regnet": """
        regnet_x_400mf regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf regnet_x_8gf regnet_x_16gf regnet_x_32gf
        regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf regnet_y_8gf regnet_y_16gf regnet_y_32gf
        regnet_y_128gf
    """,
    "timm/tresnet": "tresnet_m tresnet_l tresnet_xl tresnet_v2_l",
    "timm/nfnet": """
        nfnet_f0 nfnet_f1 nfnet_f2 nfnet_f3 nfnet_f4 nfnet_f5 nfnet_f6 nfnet_f7 nfnet_l0 eca_nfnet_l0 eca_nfnet_l1
        eca_nfnet_l2 eca_nfnet_l3 test_nfnet nf_resnet50 nf_resnet26 nf_resnet101 nf_seresnet50 nf_seresnet26
        nf_seresnet101 nf_ecaresnet50 nf_ecaresnet26 nf_ecaresnet101 nf_regnet_b0 nf_regnet_b1 nf_regnet_b2
        nf_regnet_b3 nf_regnet_b4 nf_regnet_b5
    """,
}

# One net of each kind: the outputs that every run compares.
KINDS = """
    timm/ecaresnet26t timm/resnetaa50 timm/resnetblur50 timm/resnetrs101 timm/resnetv2_50 timm/resnetv2_50d_evos
    timm/resnetv2_50x1_bit timm/skresnet18 timm/res2net50_14w_8s timm/resnest14d timm/legacy_seresnet18 timm/senet154
    timm/ecaresnet101d_pruned timm/test_resnet tv/mc3_18 tv/r2plus1d_18
    timm/densenet201 timm/dpn48b timm/ese_vovnet39b_evos timm/dla60_res2next timm/xception41p timm/hgnetv2_b0
    timm/convmixer_1024_20_ks9_p14 timm/convnext_atto timm/convnextv2_nano
    timm/cs3darknet_focus_m timm/darknet17 timm/gernet_s timm/mobileone_s0 timm/repvgg_a0 timm/regnetz_b16
    timm/regnety_006 timm/regnetz_005 tv/regnet_y_400mf timm/nf_regnet_b0
    timm/efficientnet_b0 timm/mobilenetv2_035 timm/mobilenetv3_small_075 timm/mobilenetv4_conv_aa_medium
    timm/hardcorenas_a timm/rexnet_130 timm/ghostnet_050 timm/repghostnet_058 timm/starnet_s050 timm/fasternet_t1
    tv/mobilenet_v2 tv/mobilenet_v3_small tv/mnasnet0_5 tv/shufflenet_v2_x0_5 tv/squeezenet1_1
""".split()

SPECS = {f"{LIBRARIES[spec.split('/')[0]]}/{net}": spec for spec, nets in NAMES.items() for net in nets.split()}
