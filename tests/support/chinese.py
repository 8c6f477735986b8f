"""What is held against a text in Chinese: its numbers, and words that nobody translated."""

import re
from collections import Counter

from common.language import Language

CHINESE = Language("zh")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
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
    """Words that are neither Chinese nor names."""
    return sorted({word for word in WORD.findall(text) if word not in NAMES and "verylong" not in word})
