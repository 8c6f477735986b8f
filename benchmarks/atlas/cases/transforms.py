"""Transforms of images: torchvision's and paddle.vision's, on one PIL image, byte for byte."""

from benchmarks.atlas.cases.case import Line, family, pair, same

PHOTO = {"x": "image: 33 47 3"}


def on_image(spelling: str, **options: str) -> Line:
    """A line of a transform of the image ``x``."""
    return same(f"{spelling}(x)", timed=False, edges=(), **options)


# fmt: off
CASES = family(
    "transforms",
    on_image("T.Resize(20)"),
    on_image("T.Resize((20, 30))"),
    on_image("T.Resize(64)"),
    pair("T.Resize(20, T.InterpolationMode.NEAREST)(x)", "T.Resize(20, 'nearest')(x)", timed=False, edges=()),
    pair("T.Resize(20, T.InterpolationMode.BICUBIC)(x)", "T.Resize(20, 'bicubic')(x)", timed=False, edges=()),
    pair("T.Resize(20, T.InterpolationMode.LANCZOS)(x)", "T.Resize(20, 'lanczos')(x)", timed=False, edges=()),
    on_image("T.CenterCrop(20)"),
    on_image("T.CenterCrop((21, 30))"),
    on_image("T.CenterCrop(60)", note="larger than the image"),
    on_image("T.Pad(3)"),
    on_image("T.Pad((1, 2))"),
    on_image("T.Pad((1, 2, 3, 4), 128)"),
    on_image("T.Pad(3, padding_mode='reflect')"),
    on_image("T.Pad(3, padding_mode='edge')"),
    on_image("T.Pad(3, padding_mode='symmetric')"),
    on_image("T.Grayscale()"),
    on_image("T.Grayscale(3)"),
    on_image("T.ToTensor()"),
    pair("T.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])(T.ToTensor()(x))", "T.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])(T.ToTensor()(x))", timed=False, edges=()),
    pair("T.Compose([T.Resize(24), T.CenterCrop(20), T.ToTensor()])(x)", "T.Compose([T.Resize(24), T.CenterCrop(20), T.ToTensor()])(x)", timed=False, edges=()),
    same("TF.hflip(x)", timed=False, edges=()),
    same("TF.vflip(x)", timed=False, edges=()),
    same("TF.crop(x, 3, 4, 20, 25)", timed=False, edges=()),
    same("TF.center_crop(x, 20)", timed=False, edges=()),
    same("TF.adjust_brightness(x, 1.3)", timed=False, edges=()),
    same("TF.adjust_contrast(x, 1.3)", timed=False, edges=()),
    same("TF.adjust_saturation(x, 1.3)", timed=False, edges=()),
    same("TF.adjust_hue(x, 0.2)", timed=False, edges=()),
    same("TF.rotate(x, 30)", timed=False, edges=()),
    same("TF.rotate(x, 90, expand=True)", timed=False, edges=()),
    pair("TF.rotate(x, 30, TF.InterpolationMode.BILINEAR)", "TF.rotate(x, 30, 'bilinear')", timed=False, edges=()),
    same("TF.affine(x, 20, (3, 4), 1.2, (5, 6))", timed=False, edges=()),
    same("TF.perspective(x, [[0, 0], [40, 0], [40, 30], [0, 30]], [[2, 3], [38, 1], [39, 29], [1, 28]])", timed=False, edges=()),
    pair("TF.rgb_to_grayscale(x)", "TF.to_grayscale(x)", timed=False, edges=()),
    same("TF.to_tensor(x)", timed=False, edges=()),
    same("TF.resize(x, 20)", timed=False, edges=()),
    same("TF.pad(x, 3)", timed=False, edges=()),
    same("TF.invert(x)", timed=False, edges=()),
    same("TF.posterize(x, 3)", timed=False, edges=()),
    same("TF.solarize(x, 128)", timed=False, edges=()),
    same("TF.autocontrast(x)", timed=False, edges=()),
    same("TF.equalize(x)", timed=False, edges=()),
    same("TF.gaussian_blur(x, 3)", timed=False, edges=()),
    same("TF.erase(T.ToTensor()(x), 3, 4, 5, 6, 0.0)", timed=False, edges=()),
    on_image("T.RandomHorizontalFlip(1.0)"),
    on_image("T.RandomVerticalFlip(1.0)"),
    on_image("T.ColorJitter()"),
    **PHOTO,
)
