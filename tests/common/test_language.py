"""Sentences in both languages: every one is translated, with its placeholders, and compiled."""

from string import Formatter

import pytest

from common.language import LANGUAGES, Language, _translations
from tests.support import catalogue


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def translation(one, many):
    found = _translations("zh")
    return found.ngettext(one, many, 2) if many else found.gettext(one)


def untranslated(messages):
    return [one for one, many in messages if translation(one, many) in (one, many)]


def test_every_sentence_is_translated():
    assert len(catalogue.messages()) > 100
    assert untranslated(catalogue.messages()) == ["paddle / torch"]  # the same in both
    assert untranslated([("Nobody says this.", None)]) == ["Nobody says this."]


def test_placeholders_are_the_same():
    number = {"number"}  # which the sentence for one thing need not have
    wrong = [
        one
        for one, many in catalogue.messages()
        if placeholders(many or one) - number != placeholders(translation(one, many)) - number
    ]
    assert wrong == []
    assert placeholders("{name}: {reason}") != placeholders("{name}")


def test_a_sentence_in_python_or_a_template_is_found():
    code = 'say("a", x=1)\nsay.count("b", "bs", n)\nother("c")\nsay(word)'
    assert [*catalogue.in_python(code)] == [("a", None), ("b", "bs")]
    template = '<p title="{{ say("x") }}">{{ say("y {z}", z=1) }}{{ other("w") }}</p>'
    assert [*catalogue.in_template(template)] == ["x", "y {z}"]


def test_nothing_is_translated_that_nobody_says():
    said = {one for one, _ in catalogue.messages()}
    known = {key if isinstance(key, str) else key[0] for key in _translations("zh")._catalog}
    assert known - {""} == said


def test_the_compiled_catalogue_is_what_its_source_gives():
    pytest.importorskip("babel", reason="Babel compiles the catalogue")
    assert catalogue.compiled(catalogue.PO.read_text()) == catalogue.MO.read_bytes()
    assert catalogue.updated(catalogue.PO) == catalogue.PO.read_text()


def test_values_are_filled_in_as_they_are():
    for code in LANGUAGES:
        say = Language(code)
        assert "{0} %s" in say("Broken: {names}.", names="{0} %s")
    assert Language("zh").tag == "zh-CN"
    assert Language("en").count("{number} thing", "{number} things", 1) == "1 thing"
