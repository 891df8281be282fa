"""What an edit says in words."""

from dataclasses import replace

from octavo.interpret.edit import Edit, changes, measured_on

EDIT = Edit(
    text="a" * 1200,
    of="the given text",
    tokens=700,
    changed=("zero embedding", "mean blocks.0.output", "patch blocks.1.output"),
    position=None,
    at="",
    donor="",
    mean_tokens=8192,
    candidates=(),
    divergence_bits=0.0,
    bits_per_character_before=1.0,
    bits_per_character_after=1.0,
    lossless_tokenizer=True,
)


def test_means_and_patches_say_where_they_come_from() -> None:
    assert changes(EDIT, 3) == [
        "zero embedding",
        "mean blocks.0.output, over the first 8,192 tokens of the held-out text",
        "patch blocks.1.output, from the other text, token for token",
    ]


def test_at_one_token_the_donor_is_named() -> None:
    at = replace(EDIT, position=2, at=" are", donor=" \x1bking")
    assert changes(at, 3) == [
        "zero embedding at token 2, '␣are'",
        "mean blocks.0.output at token 2, '␣are', over the first 8,192 tokens of the held-out text",
        "patch blocks.1.output at token 2, '␣are', from '␣\\x1bking', token 2 of the other text",
    ]


def test_many_are_counted() -> None:
    assert changes(EDIT, 1) == ["zero embedding", "and 2 more"]


def test_what_it_was_measured_on() -> None:
    assert measured_on(EDIT) == "measured on the given text: 1,200 characters, 700 tokens"
    assert measured_on(replace(EDIT, text="I", tokens=1)) == "measured on the given text: 1 character, 1 token"
