"""What is held against a text in Chinese: its numbers, and words that nobody translated."""

import re
from collections import Counter

from common.language import Language

CHINESE = Language("zh")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
HALF_WIDTH = re.compile(r".{0,12}(?:[\u4e00-\u9fff][,;:]|[,;:] ?[\u4e00-\u9fff]).{0,12}")
WORD = re.compile(r"(?<![\w-])[A-Za-z][a-z]{2,}(?![\w-])")
# Flags' values, names of settings and parts, programs and units, which no language changes.
NAMES = {
    *("torch", "paddle", "infer", "train", "eager", "deploy", "compiled", "equalised", "startup", "data"),
    *("serve", "soak", "cpu", "gpu", "threads", "batch", "top", "min", "lenet", "alexnet", "conv", "relu"),
    *("gradients", "weight", "logits", "float", "images", "alert", "script", "here", "there", "layout"),
    *(
        "Linear",
        "ReLU",
        "AlexNet",
        "torchvision",
        "processor",
        "NCHW",
        "verylongword",
        "choose",
    ),  # the last is of a reason that is not ours
}


def numbers(text):
    return Counter(NUMBER.findall(text))


def english(text):
    """Words that are neither Chinese nor names, and English marks beside Chinese letters."""
    words = {word for word in WORD.findall(text) if word not in NAMES and "verylong" not in word}
    return [*sorted(words), *HALF_WIDTH.findall(text)]
