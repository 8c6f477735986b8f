"""Padding, pixels and grids: every padding mode, shuffles, sampling."""

from benchmarks.atlas.cases.case import Rule, family, layer, pair, same

LINE, CUBE = "B C S", "B C 4 5 6"
GRID = {"x": "B C S S", "g": "within: B 5 6 2"}
FAR = {"x": "B C S S", "g": "beyond: B 5 6 2"}
SAMPLED = tuple(
    same(f"F.grid_sample(x, g, mode='{mode}', padding_mode='{padding}', align_corners={aligned})", **GRID)
    for mode in ("bilinear", "nearest")
    for padding in ("zeros", "border", "reflection")
    for aligned in (True, False)
)

ORDER = "paddle counts a pair for every axis from the first axis on, torch always from the last"
CORNERS = "paddle aligns corners by default, torch does not"

# fmt: off
CASES = family(
    "padding",
    same("F.pad(x, (1, 2, 3, 4))"),
    same("F.pad(x, (1, 2, 3, 4), value=0.3)"),
    same("F.pad(x, (1, 2, 3, 4), mode='reflect')"),
    same("F.pad(x, (1, 2, 3, 4), mode='replicate')"),
    same("F.pad(x, (1, 2, 3, 4), mode='circular')"),
    same("F.pad(x, (-1, 2, -1, 1))", note="negative padding cuts"),
    same("F.pad(x, (1, 2))", note="the last axis alone"),
    same("F.pad(x, (1, 0, 0, 0, 0, 0, 0, 0))", rule=Rule(torch="F.pad(x, (0, 0, 0, 0, 0, 0, 1, 0))", sentence=ORDER)),
    pair("F.pad(x, (1, 0, 0, 0, 0, 0, 0, 0))", "F.pad(x, (1, 0, 0, 0, 0, 0, 0, 0), pad_from_left_axis=False)"),
    pair("F.pad(x, (1, 2))", "F.pad(x, (1, 2), data_format='NCL')", x=LINE),
    pair("F.pad(x, (1, 2), mode='reflect')", "F.pad(x, (1, 2), mode='reflect', data_format='NCL')", x=LINE),
    pair("F.pad(x, (1, 2, 1, 1, 2, 0))", "F.pad(x, (1, 2, 1, 1, 2, 0), data_format='NCDHW')", x=CUBE),
    same("F.pad(x, (1, 1, 2, 2))", x="B C", rule=Rule(torch="F.pad(x, (2, 2, 1, 1))", sentence=ORDER)),
    layer("nn.ZeroPad2d((1, 2, 3, 4))"),
    pair("nn.ReflectionPad2d((1, 2, 3, 4))", "nn.Pad2D((1, 2, 3, 4), mode='reflect')"),
    pair("nn.ReplicationPad2d((1, 2, 3, 4))", "nn.Pad2D((1, 2, 3, 4), mode='replicate')"),
    pair("nn.ConstantPad2d((1, 2, 3, 4), 0.3)", "nn.Pad2D((1, 2, 3, 4), value=0.3)"),
    pair("nn.CircularPad2d(2)", "nn.Pad2D(2, mode='circular')"),
    same("nn.ReflectionPad2d(1)", instead="nn.Pad2D(1, mode='reflect')"),
    pair("nn.ReflectionPad1d((1, 2))", "nn.Pad1D((1, 2), mode='reflect')", x=LINE),
    pair("nn.ReplicationPad3d(1)", "nn.Pad3D(1, mode='replicate')", x=CUBE),
    layer("nn.ZeroPad1d((1, 2))", x=LINE),
    layer("nn.ZeroPad3d((1, 2, 1, 1, 0, 2))", x=CUBE),
    same("F.pixel_shuffle(x, 2)", x="B 8 3 3"),
    same("nn.PixelShuffle(2)", x="B 8 3 3"),
    same("F.pixel_unshuffle(x, 2)", x="B C 6 6"),
    same("nn.PixelUnshuffle(2)", x="B C 6 6"),
    pair("F.channel_shuffle(x, 2)", "F.channel_shuffle(x, 2)"),
    same("nn.ChannelShuffle(2)"),
    *SAMPLED,
    same("F.grid_sample(x, g)", **GRID, rule=Rule(torch="F.grid_sample(x, g, align_corners=True)", sentence=CORNERS)),
    same("F.grid_sample(x, g, align_corners=True)", **FAR, note="places outside of the image"),
    same("F.grid_sample(x, g, padding_mode='reflection', align_corners=False)", **FAR),
    same("F.grid_sample(x, g, padding_mode='border', align_corners=False)", **FAR),
    same("F.grid_sample(x, g, mode='bicubic', align_corners=True)", **GRID),
    same("F.grid_sample(x, g, align_corners=True)", x="B C 3 4 5", g="within: B 2 3 4 3"),
    same("F.affine_grid(t, (2, 4, 5, 6))", t="2 2 3", rule=Rule(torch="F.affine_grid(t, (2, 4, 5, 6), align_corners=True)", sentence=CORNERS)),
    same("F.affine_grid(t, (2, 4, 5, 6), align_corners=True)", t="2 2 3"),
    same("F.affine_grid(t, (2, 4, 5, 6), align_corners=False)", t="2 2 3"),
    same("F.affine_grid(t, (2, 4, 3, 5, 6), align_corners=True)", t="2 3 4"),
    pair("vision.ops.roi_align(x, [torch.cat([a, a + 3 * c], 1)], 3, aligned=True)", "vision.ops.roi_align(x, paddle.concat([a, a + 3 * c], 1), paddle.to_tensor([3]).astype('int32'), 3, aligned=True)", x="1 C S S", a="unit: 3 2 fixed", c="unit: 3 2 fixed", timed=False),
    pair("vision.ops.roi_align(x, [torch.cat([a, a + 3 * c], 1)], 3)", "vision.ops.roi_align(x, paddle.concat([a, a + 3 * c], 1), paddle.to_tensor([3]).astype('int32'), 3)", x="1 C S S", a="unit: 3 2 fixed", c="unit: 3 2 fixed", timed=False, rule=Rule(torch="vision.ops.roi_align(x, [torch.cat([a, a + 3 * c], 1)], 3, aligned=True)", sentence="paddle's default is aligned, torchvision's is not")),
    pair("vision.ops.box_iou(a, a)", "vision.ops.box_iou(a, a)", a="unit: 3 4 fixed", timed=False),
    pair("vision.ops.nms(torch.cat([a, a + 1.0 + c], 1), s, 0.3)", "vision.ops.nms(paddle.concat([a, a + 1.0 + c], 1), 0.3, s)", a="unit: 9 2 fixed", c="unit: 9 2 fixed", s="unit: 9 fixed", timed=False),
    x="B C S S",
)
