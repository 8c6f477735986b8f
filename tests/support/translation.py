"""What a translated document has in common with its source: all but the words."""

import re
from collections import Counter
from itertools import zip_longest

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
IMAGE = re.compile(r'<(?:source|img)[^>]* src(?:set)?="([^"]+)"[^>]*>')
TRANSLATED = "/zh/"  # the folder of a picture in the other language, beside the source's
OTHERS_PREFIX = "README"  # a document's link to itself in the other language


def differences(source, translated):
    """In what a translation departs from its source, section by section; nothing where it does not."""
    sides = zip_longest(sections(source), sections(translated), fillvalue={})
    return [
        f"section {place}: {name}: {_only(ours.get(name), theirs.get(name))}"
        for place, (ours, theirs) in enumerate(sides)
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    ]


def sections(text):
    """Of each heading and what follows: its level, blocks, commands, links, numbers and rows."""
    blocks = FENCE.findall(text)
    for place, block in enumerate(blocks):  # a comment in a block is no heading
        text = text.replace(block, f"\0{place}\0", 1)
    parts = re.split(r"^(?=#{1,6} )", text, flags=re.MULTILINE)
    return [_facts(part, blocks) for part in parts if part.strip()]


def targets(text):
    """What a document's links and pictures lead to."""
    return [*LINK.findall(text), *IMAGE.findall(text)]


def _facts(part, blocks):
    own = [blocks[int(place)] for place in re.findall(r"\0(\d+)\0", part)]
    part = re.sub(r"\0\d+\0", "", part)
    spans = [" ".join(code.split()) for _, code in SPAN.findall(part)]
    words = SPAN.sub("`", part)
    links = [target.replace(TRANSLATED, "/") for target in targets(words)]
    links = [target for target in links if not target.startswith(OTHERS_PREFIX)]
    words = IMAGE.sub("", LINK.sub("", words))
    rows = [line.count("|") for line in words.splitlines() if line.startswith("|")]
    return {
        "level": re.match("#*", part).group(),
        "blocks": own,
        "commands": Counter(spans),
        "links": links,
        "numbers": Counter(NUMBER.findall(words)),
        "rows": rows,
    }


def _only(ours, theirs):
    """What one side alone has; both as they are where that is a matter of order."""
    if isinstance(ours, Counter) and isinstance(theirs, Counter):
        return f"only in the source {dict(ours - theirs)}, only in the translation {dict(theirs - ours)}"
    return f"{ours} in the source, {theirs} in the translation"
