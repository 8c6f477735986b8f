"""Interpolation: modes by align_corners by ratios, as a function and as layers."""

from benchmarks.atlas.cases.case import Line, family, layer, pair, same

LINE, CUBE = "B C S", "B C 3 4 5"
# Twice as large, half of that again, no power of two, smaller, and by factors.
RATIOS = (
    "size=[14, 14]",
    "size=[10, 5]",
    "size=[11, 9]",
    "scale_factor=2.0",
    "scale_factor=1.5",
    "scale_factor=0.5",
)


def plane(mode: str, ratio: str, more: str = "") -> Line:
    """A line of a plane's interpolation."""
    return same(f"F.interpolate(x, {ratio}, mode='{mode}'{more})")


# fmt: off
CASES = family(
    "interpolation",
    *(plane("nearest", ratio) for ratio in RATIOS),
    *(plane("bilinear", ratio) for ratio in RATIOS),
    *(plane("bilinear", ratio, ", align_corners=True") for ratio in RATIOS),
    *(plane("bicubic", ratio) for ratio in RATIOS),
    *(plane("bicubic", ratio, ", align_corners=True") for ratio in RATIOS),
    *(plane("area", ratio) for ratio in RATIOS),
    plane("nearest-exact", "size=[10, 5]"),
    plane("bilinear", "scale_factor=1.5", ", recompute_scale_factor=True"),
    plane("bilinear", "scale_factor=1.7"),
    plane("bilinear", "scale_factor=(1.5, 2.0)"),
    plane("bilinear", "size=[3, 3]", ", antialias=True"),
    pair("F.interpolate(x, size=[10, 5], mode='bilinear')", "F.interpolate(x, [10, 5], mode='bilinear', align_mode=1)", note="align_mode 1 samples at x * ratio"),
    same("F.interpolate(x, scale_factor=2)"),
    same("F.interpolate(x, size=9)", note="one number for both axes"),
    same("F.interpolate(x, size=[9, 9])", x="bytes: 2 3 7 7", edges=(), note="whole numbers of 8 bits"),
    pair("F.interpolate(x, size=31, mode='linear')", "F.interpolate(x, size=[31], mode='linear', data_format='NCW')", x=LINE),
    pair("F.interpolate(x, size=14, mode='linear')", "F.interpolate(x, size=[14], mode='linear', data_format='NCW')", x=LINE),
    pair("F.interpolate(x, size=14, mode='linear')", "F.interpolate(x, size=[14], mode='linear')", x=LINE, note="paddle's default layout is NCHW"),
    pair("F.interpolate(x, size=11, mode='linear', align_corners=True)", "F.interpolate(x, size=[11], mode='linear', align_corners=True, data_format='NCW')", x=LINE),
    pair("F.interpolate(x, size=10, mode='nearest')", "F.interpolate(x, size=[10], mode='nearest', data_format='NCW')", x=LINE),
    pair("F.interpolate(x, size=(7, 9, 10), mode='trilinear')", "F.interpolate(x, [7, 9, 10], mode='trilinear', data_format='NCDHW')", x=CUBE),
    pair("F.interpolate(x, scale_factor=2.0, mode='trilinear')", "F.interpolate(x, scale_factor=2.0, mode='trilinear', data_format='NCDHW')", x=CUBE),
    pair("F.interpolate(x, size=(7, 9, 10), mode='trilinear', align_corners=True)", "F.interpolate(x, [7, 9, 10], mode='trilinear', align_corners=True, data_format='NCDHW')", x=CUBE),
    pair("F.interpolate(x, scale_factor=2.0, mode='nearest')", "F.interpolate(x, scale_factor=2.0, mode='nearest', data_format='NCDHW')", x=CUBE),
    same("nn.Upsample(scale_factor=2)"),
    same("nn.Upsample(scale_factor=2, mode='bilinear')"),
    same("nn.Upsample(scale_factor=1.5, mode='bilinear', align_corners=True)"),
    pair("nn.Upsample((9, 10), mode='bicubic')", "nn.Upsample([9, 10], mode='bicubic')"),
    layer("nn.UpsamplingBilinear2d(scale_factor=2)", note="torch's aligns corners"),
    layer("nn.UpsamplingBilinear2d([9, 10])"),
    layer("nn.UpsamplingNearest2d(scale_factor=2)"),
    layer("nn.UpsamplingNearest2d([9, 10])"),
    same("F.upsample(x, size=[9, 10], mode='bilinear')"),
    x="B C S S",
)
