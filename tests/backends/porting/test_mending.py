"""What PaConvert leaves wrong: mended where the result is the same, listed where it may not be."""

import pytest

from backends.porting.mending import bare_imports, called, mend, renamed_package
from backends.porting.signatures import Signature

RELU = Signature(exists=True, parameters=("x", "name"))
LEAKY = Signature(exists=True, parameters=("x", "negative_slope", "name"))
POOL = Signature(exists=True, parameters=("kernel_size", "stride", "padding", "return_mask", "ceil_mode"))
WRAPPED = Signature(exists=True, parameters=("x", "axis"), is_open=True)
KNOWN = {
    "paddle.nn.functional.relu": RELU,
    "paddle.nn.functional.leaky_relu": LEAKY,
    "paddle.nn.MaxPool2d": Signature(exists=False, likely="paddle.nn.MaxPool2D"),
    "paddle.nn.MaxPool2D": POOL,
    "paddle.nn.Fold9d": Signature(exists=False),
    "paddle.concat": WRAPPED,
}


def mended(text):
    result, remarks = mend(text, KNOWN)
    return result, [(remark.line, remark.is_mended) for remark in remarks]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("y = paddle.nn.functional.relu(x, inplace=True)", "y = paddle.nn.functional.relu(x)"),
        ("y = paddle.nn.functional.relu(inplace=True, x=x)", "y = paddle.nn.functional.relu(x=x)"),
        ("y = paddle.nn.functional.relu(x, inplace=True,)", "y = paddle.nn.functional.relu(x, )"),
        ("y = paddle.nn.functional.leaky_relu(x, 0.2, True)", "y = paddle.nn.functional.leaky_relu(x, 0.2)"),
        ("y = paddle.nn.MaxPool2d(3, 2, ceil_mode=True)", "y = paddle.nn.MaxPool2D(3, 2, ceil_mode=True)"),
        (
            "# ünïcödé\ny = 'é', paddle.nn.functional.relu(x, inplace=True)",
            "# ünïcödé\ny = 'é', paddle.nn.functional.relu(x)",
        ),
    ],
)
def test_what_changes_no_number_is_mended(before, after):
    result, remarks = mended(before)
    assert result == after
    assert all(is_mended for _, is_mended in remarks)
    assert remarks


@pytest.mark.parametrize(
    "text",
    [
        "paddle.nn.functional.relu(x, inplace=True)",  # nobody takes the result: x itself is meant
        "y = paddle.nn.functional.relu(x, dim=1)",
        "y = paddle.nn.functional.relu(x, None, 3)",
        "y = paddle.nn.MaxPool2d(3, 2, 1, 2)",  # torch's dilation, paddle's mask
        "y = paddle.nn.Fold9d(3)",
    ],
)
def test_what_is_not_certain_is_listed_and_left(text):
    result, remarks = mended(text)
    assert result == text
    assert remarks == [(1, False)]


def test_what_translates_torchs_words_itself_is_left_alone():
    assert mended("y = paddle.concat([a, b], dim=1)") == ("y = paddle.concat([a, b], dim=1)", [])


def test_only_calls_of_paddles_are_asked_about():
    text = "import paddle\ny = paddle.nn.Linear(3, 4)(x.mean(paddle.to_tensor(1)))\nz = self.paddle.f(1)"
    assert called(text) == {"paddle.nn.Linear", "paddle.to_tensor"}


def test_absolute_imports_of_a_package_name_the_twin():
    text = (
        "import {0}.parts as p\nfrom {0} import net\nfrom {0}.parts import a\nfrom . import b\nimport miner\n"
    )
    assert renamed_package(text.format("mine"), "mine", "twin") == text.format("twin")
    assert bare_imports(text.format("mine"), "mine") == []


def test_an_import_under_the_packages_own_name_is_left_and_listed():
    """The code behind it says mine.parts, too, and would mean torch's."""
    text = "import mine.parts\nimport os, mine\nprint(mine.parts.SIZE)\n"
    assert renamed_package(text, "mine", "twin") == text
    assert [(remark.line, remark.is_mended) for remark in bare_imports(text, "mine")] == [
        (1, False),
        (2, False),
    ]
