"""Numbers in flags: what is finite, within bounds and plainly a number, and nothing else."""

from argparse import ArgumentTypeError

import pytest

from common.flag_values import divisors, natural, numbers, percent, positive, price


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-inf", "1e400", "", " ", "x", "1_0", "\u0663", "\u00bd", "\u22121"]
)
@pytest.mark.parametrize("parse", [divisors, natural, numbers, percent, positive, price])
def test_what_is_no_plain_number_is_refused(parse, text):
    with pytest.raises(ArgumentTypeError, match=r"^expected "):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (divisors, "1,0"),
        (divisors, "-0.5"),
        (positive, "0"),
        (natural, "-1"),
        (price, "0"),
        (percent, "101"),
        (natural, "9" * 20),
    ],
)
def test_numbers_out_of_bounds_are_refused(parse, text):
    with pytest.raises(ArgumentTypeError, match=r"^expected "):
        parse(text)


def test_plain_numbers_are_read():
    assert divisors("0.5,1e3") == (0.5, 1000)
    assert numbers("0,-1.5") == (0, -1.5)
    assert percent("5%") == 5
