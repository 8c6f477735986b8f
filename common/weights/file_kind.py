"""Files that are given as weights and are none, or of a kind that is not read here: name and remedy."""

from pathlib import Path

START = 512  # bytes that identify a kind
AS_WEIGHTS = "save its weights from the program that it is of, as .pth, .pdparams or .safetensors"
UNPACK = "unpack it, and give the weights in it"
FETCH = "fetch the file itself"

# What a file begins with, what it then is, and the remedy.
BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer, which stands for a file elsewhere",
        "fetch it with: git lfs pull",
    ),
    (b"<!doctype", "an HTML page: a site's answer and no file", FETCH),
    (b"<html", "an HTML page: a site's answer and no file", FETCH),
    (b"<?xml", "an XML page: a site's answer and no file", FETCH),
    (b"\x89hdf\r\n\x1a\n", "an HDF5 file, as Keras writes .h5", AS_WEIGHTS),
    (b"\x93numpy", "one NumPy array (.npy), and no arrays by name", "save them by name as .safetensors"),
    (b"gguf", "a GGUF file, whose numbers are quantised", AS_WEIGHTS),
    (b"\x1f\x8b", "packed with gzip", UNPACK),
    (b"bzh", "packed with bzip2", UNPACK),
    (b"\xfd7zxz\x00", "packed with xz", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"rar!", "a RAR archive", UNPACK),
    (b"\x89png", "a picture", "give a file of weights"),
    (b"\xff\xd8\xff", "a picture", "give a file of weights"),
    (b'{"base_code"', "a program of paddle's inference format (PIR)", AS_WEIGHTS),
    (b'{"metadata"', "an index of weights in several files", "join them in one .safetensors file"),
    (b"{", "JSON, and no weights", "give the file of weights beside it"),
    (bytes(16), "of paddle's inference format (.pdiparams), which has no names", AS_WEIGHTS),
)
# What reveals itself by its name alone: protocol buffers begin with anything.
NAMES = {
    ".onnx": ("an ONNX model", AS_WEIGHTS),
    ".pdmodel": ("a program of paddle's inference format", AS_WEIGHTS),
    "__model__": ("a program of paddle's older inference format", AS_WEIGHTS),
    ".pb": ("a TensorFlow graph", AS_WEIGHTS),
    ".tflite": ("a TensorFlow Lite model", AS_WEIGHTS),
    ".caffemodel": ("a Caffe model", AS_WEIGHTS),
    ".pdiparams": ("of paddle's inference format, which has no names", AS_WEIGHTS),
    ".engine": ("a TensorRT engine", AS_WEIGHTS),
    ".plan": ("a TensorRT engine", AS_WEIGHTS),
    ".trt": ("a TensorRT engine", AS_WEIGHTS),
    ".nb": ("a Paddle Lite model", AS_WEIGHTS),
    ".mnn": ("an MNN model", AS_WEIGHTS),
    ".om": ("a model for Ascend processors", AS_WEIGHTS),
    ".rknn": ("a model for Rockchip processors", AS_WEIGHTS),
    ".pte": ("an ExecuTorch program", AS_WEIGHTS),
    ".mlmodel": ("a Core ML model", AS_WEIGHTS),
    ".msgpack": ("weights as Flax writes them", AS_WEIGHTS),
    ".mat": ("a MATLAB file", AS_WEIGHTS),
    ".pdopt": ("an optimizer's state", "give the .pdparams file beside it"),
}


def foreign_kind(start: bytes) -> str | None:
    """Say in a sentence what a file is that is read by nobody here; None for any other.

    ``start`` is its first START bytes.
    """
    if not start:
        return "is empty; copy or download it again"
    if start[257:262] == b"ustar":
        return f"is a tar archive; {UNPACK}"
    if start[8:9] == b"{" and start[1:2] != b"{":  # safetensors, behind the header's length
        return None
    lowered = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, what, remedy in BEGINNINGS:
        if lowered.startswith(beginning) or start.startswith(beginning):
            return f"is {what}; {remedy}"
    return None


def kind_by_name(path: Path) -> str | None:
    """The same by the file's name, for what no beginning identifies."""
    known = NAMES.get(path.name) or NAMES.get(path.suffix.lower())
    return f"is {known[0]}; {known[1]}" if known else None
