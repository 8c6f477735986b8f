"""Convolutions: strided, dilated, grouped, transposed, every padding mode, in one to three dimensions."""

from benchmarks.atlas.cases.case import Rule, family, layer, pair, same

PLANE, LINE, CUBE = "B C S S", "B C S", "B C 5 5 5"
WEIGHT = {"x": PLANE, "w": "6 C 3 3"}


def undilated(torch: str) -> Rule:
    """Paddle's rule of padding="same", in torch's words."""
    return Rule(torch=torch, sentence="paddle drops the dilation where padding is 'same'")


# fmt: off
CASES = family(
    "convolutions",
    layer("nn.Conv2d(C, 6, 3)"),
    same("nn.Conv2d(C, 6, 3)"),
    layer("nn.Conv2d(C, 6, 3, bias=False)"),
    layer("nn.Conv2d(C, 6, 3, stride=2)"),
    layer("nn.Conv2d(C, 6, 3, padding=1)"),
    layer("nn.Conv2d(C, 6, 3, padding=(1, 2))"),
    layer("nn.Conv2d(C, 6, (1, 3), stride=(2, 1))"),
    layer("nn.Conv2d(C, 6, 3, dilation=2)"),
    layer("nn.Conv2d(C, 8, 3, groups=4)"),
    layer("nn.Conv2d(C, C, 3, padding=1, groups=C)"),
    layer("nn.Conv2d(C, 6, 1)"),
    layer("nn.Conv2d(C, 6, 3, padding='same')"),
    layer("nn.Conv2d(C, 6, 3, padding='valid')"),
    layer("nn.Conv2d(C, 6, 4, padding='same')"),
    layer("nn.Conv2d(C, 6, 3, padding='same', dilation=2)", rule=undilated("nn.Conv2d(C, 6, 3, padding='same')")),
    layer("nn.Conv2d(C, 6, 3, padding=1, padding_mode='zeros')"),
    layer("nn.Conv2d(C, 6, 3, padding=1, padding_mode='reflect')"),
    layer("nn.Conv2d(C, 6, 3, padding=1, padding_mode='replicate')"),
    layer("nn.Conv2d(C, 6, 3, padding=1, padding_mode='circular')"),
    layer("nn.Conv2d(C, 6, 3, padding=2, padding_mode='circular', stride=2)"),
    layer("nn.Conv2d(C, 6, 3, padding=2, stride=2, dilation=2, groups=2)"),
    layer("nn.Conv1d(C, 6, 3)", x=LINE),
    layer("nn.Conv1d(C, 6, 3, stride=2, padding=1)", x=LINE),
    layer("nn.Conv1d(C, 6, 3, padding='same', dilation=2)", x=LINE, rule=undilated("nn.Conv1d(C, 6, 3, padding='same')")),
    layer("nn.Conv1d(C, 6, 3, padding=1, padding_mode='circular')", x=LINE),
    layer("nn.Conv1d(C, 6, 3, padding=1, padding_mode='reflect')", x=LINE),
    layer("nn.Conv1d(C, 8, 3, groups=2)", x=LINE),
    layer("nn.Conv3d(C, 6, 3)", x=CUBE),
    layer("nn.Conv3d(C, 6, 3, stride=2, padding=1)", x=CUBE),
    layer("nn.Conv3d(C, 8, 3, groups=2, dilation=2)", x=CUBE),
    layer("nn.Conv3d(C, 6, 3, padding=1, padding_mode='replicate')", x=CUBE),
    layer("nn.ConvTranspose2d(C, 6, 3)"),
    layer("nn.ConvTranspose2d(C, 6, 3, stride=2)"),
    layer("nn.ConvTranspose2d(C, 6, 3, stride=2, padding=1, output_padding=1)"),
    layer("nn.ConvTranspose2d(C, 6, 3, dilation=2)"),
    layer("nn.ConvTranspose2d(C, 8, 3, groups=2)"),
    layer("nn.ConvTranspose2d(C, 6, 4, stride=2, padding=1, bias=False)"),
    layer("nn.ConvTranspose2d(C, 6, 3, stride=2, groups=2, dilation=2)"),
    layer("nn.ConvTranspose1d(C, 6, 3, stride=2)", x=LINE),
    layer("nn.ConvTranspose1d(C, 6, 3, stride=2, padding=1, output_padding=1)", x=LINE),
    layer("nn.ConvTranspose3d(C, 6, 3, stride=2)", x=CUBE),
    layer("nn.ConvTranspose3d(C, 6, 3, stride=2, padding=1, output_padding=1)", x=CUBE),
    same("F.conv2d(x, w)", **WEIGHT),
    same("F.conv2d(x, w, stride=2, padding=1)", **WEIGHT),
    same("F.conv2d(x, w, None, 1, 1)", **WEIGHT),
    same("F.conv2d(x, w, padding='same')", **WEIGHT),
    same("F.conv2d(x, w, dilation=(1, 2))", **WEIGHT),
    same("F.conv2d(x, w, b)", **WEIGHT, b="6"),
    pair("F.conv2d(x, w, groups=2)", "F.conv2d(x, w, groups=2)", x="B 4 S S", w="6 2 3 3"),
    pair("F.conv2d(F.pad(x, (1, 0, 2, 1)), w)", "F.conv2d(x, w, padding=[2, 1, 1, 0])", **WEIGHT),
    same("F.conv1d(x, w, padding=1)", x=LINE, w="6 C 3"),
    same("F.conv3d(x, w)", x=CUBE, w="6 C 3 3 3"),
    pair("F.conv_transpose2d(x, w, stride=2)", "F.conv2d_transpose(x, w, stride=2)", x=PLANE, w="C 6 3 3"),
    same("F.conv_transpose2d(x, w)", instead="F.conv2d_transpose(x, w)", x=PLANE, w="C 6 3 3"),
    same("F.conv_transpose1d(x, w)", instead="F.conv1d_transpose(x, w)", x=LINE, w="C 6 3"),
    same("F.conv_transpose3d(x, w)", instead="F.conv3d_transpose(x, w)", x=CUBE, w="C 6 3 3 3"),
    pair("F.conv_transpose2d(x, w, stride=2, output_padding=1)", "F.conv2d_transpose(x, w, stride=2, output_size=[2 * S + 2, 2 * S + 2])", x=PLANE, w="C 6 3 3"),
    same("F.unfold(x, 3)"),
    pair("F.unfold(x, 3, dilation=2, padding=1, stride=2)", "F.unfold(x, 3, 2, 1, 2)"),
    pair("F.unfold(x, 3, 2, 1, 2)", "F.unfold(x, 3, 2, 1, 2)", note="torch: dilation, padding, stride"),
    same("nn.Unfold(3)"),
    pair("F.fold(x, (S, S), 3)", "F.fold(x, [S, S], 3)", x="B 18 25"),
    pair("nn.Fold((S, S), 3, stride=2)", "nn.Fold([S, S], 3, strides=2)", x="B 18 9"),
    pair("vision.ops.deform_conv2d(x, offset, w)", "vision.ops.deform_conv2d(x, offset, w)", x="B 4 7 7", offset="small: B 18 5 5", w="6 4 3 3"),
    pair("F.conv2d(x, w)", "F.conv2d(x, w)", x="B C 1 1", w="6 C 3 3", isolated=True, timed=False, note="an input smaller than its kernel: torch refuses, paddle 3.3.1 writes beyond its memory"),
    edges=("nan", "infinity", "empty"),
    x=PLANE,
)
