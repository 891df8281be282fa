"""What an edit says in words."""

from dataclasses import replace

from octavo.interpret.edit import Edit, edit_sample, intervention_lines

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
    assert intervention_lines(EDIT, 3) == [
        "zero embedding",
        "mean blocks.0.output, over the first 8,192 tokens of the validation split",
        "patch blocks.1.output, from the other text, token for token",
    ]


def test_at_one_token_the_donor_is_named() -> None:
    at = replace(EDIT, position=2, at=" are", donor=" \x1bking")
    assert intervention_lines(at, 3) == [
        "zero embedding at token 2, '␣are'",
        "mean blocks.0.output at token 2, '␣are', over the first 8,192 tokens of the validation split",
        "patch blocks.1.output at token 2, '␣are', from '␣\\x1bking', token 2 of the other text",
    ]


def test_many_are_counted() -> None:
    assert intervention_lines(EDIT, 1) == ["zero embedding", "and 2 more"]


def test_what_it_was_measured_on() -> None:
    assert edit_sample(EDIT) == "measured on the given text: 1,200 characters, 700 tokens"
    assert edit_sample(replace(EDIT, text="I", tokens=1)) == "measured on the given text: 1 character, 1 token"
