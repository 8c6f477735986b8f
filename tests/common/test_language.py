"""Sentences in both languages: every one is translated, with its placeholders, and compiled."""

from string import Formatter

import pytest

from common.language import ENGLISH, LANGUAGES, Language, _translations, recognised
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
    assert sorted(untranslated(catalogue.messages())) == ["LeNet-5", "paddle / torch"]  # the same in both
    assert untranslated([("Nobody says this.", None)]) == ["Nobody says this."]


def wrong_placeholders(messages, translate=translation):
    """The messages whose translation has not the same placeholders."""
    number = {"number"}  # which the sentence for one thing need not have
    return [
        one
        for one, many in messages
        if placeholders(many or one) - number != placeholders(translate(one, many)) - number
    ]


def test_placeholders_are_the_same():
    messages = catalogue.messages()
    assert wrong_placeholders(messages) == []
    for mistake in ("{name}", "{name}：{reason}，{case}", "{name}：{reasons}"):
        found = wrong_placeholders([("{name}: {reason}", None)], lambda *_, said=mistake: said)
        assert found == ["{name}: {reason}"]


def doubtful(text):
    """The lines of a .po that mark a translation as a guess, which gettext leaves out."""
    return [line for line in text.splitlines() if line.startswith("#,") and "fuzzy" in line]


def test_no_translation_is_a_guess():
    text = catalogue.PO.read_text()
    assert doubtful(text) == []
    first = text.index("#, python-brace-format")
    assert len(doubtful(f"{text[:first]}#, fuzzy, {text[first + 3 :]}")) == 1


def test_a_sentence_in_python_or_a_template_is_found():
    code = 'say("a", x=1)\nsay.count("b", "bs", n)\nother("c")\nmessage = "d"\nsay(message)\nword = "e"'
    assert sorted(catalogue.in_python(code)) == [("a", None), ("b", "bs"), ("d", None)]
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


def test_clauses_are_joined_with_the_marks_of_the_language():
    assert ENGLISH.joined(["a", "b"]) == "a, b" and ENGLISH.joined(["a", "b"], by="; ") == "a; b"
    say = Language("zh")
    assert say.joined(["a", "b"]) == "a，b" and say.joined(["a", "b"], by="; ") == "a；b"
    assert say("") == ""  # for which gettext has the facts of the catalogue


def test_a_sentence_is_recognised_by_the_message_that_it_was_made_from():
    messages = ["{share} of (the) blocks", "{side}: {reason}", "{done} of {all}"]
    assert recognised("5% of (the) blocks", messages) == (messages[0], {"share": "5%"})
    assert recognised("torch: a: b\nc", messages) == (messages[1], {"side": "torch", "reason": "a: b\nc"})
    assert recognised("5 of 6", messages) == (messages[2], {"done": "5", "all": "6"})
    assert recognised("jax: no side", messages) is None
    assert recognised("5% of the blocks, and more", messages[:1]) is None


def test_a_merge_takes_the_translations_of_the_other_branch(tmp_path):
    pytest.importorskip("babel", reason="Babel compiles the catalogue")
    text, ours = catalogue.PO.read_text(), tmp_path / "ours.po"
    ours.write_text(text.replace('msgstr "变体"', 'msgstr ""').replace('msgstr "结论"', 'msgstr "判定"'))
    assert catalogue.updated(ours) == ours.read_text() != text
    merged = catalogue.updated(ours, catalogue.PO)
    assert merged.count('msgstr "变体"') == text.count('msgstr "变体"') and 'msgstr "判定"' in merged
