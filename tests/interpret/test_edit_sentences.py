"""What an edit says in words."""

from dataclasses import replace

from octavo.interpret.edit import Edit, edit_sample, intervention_lines

EDIT = Edit(
    text="a" * 1200,
    source="the given text",
    tokens=700,
    interventions=("zero embedding", "mean blocks.0.output", "patch blocks.1.output"),
    position=None,
    token_label="",
    other_label="",
    mean_tokens=8192,
    candidates=(),
    divergence_bits=0.0,
    bits_per_character_before=1.0,
    bits_per_character_after=1.0,
    lossless_tokenizer=True,
)


def test_a_line_names_the_intervention_and_its_source() -> None:
    zero, mean, patch = intervention_lines(EDIT, 3)
    assert zero == "zero embedding"
    assert mean.startswith("mean blocks.0.output")
    assert "8,192 tokens" in mean
    assert patch.startswith("patch blocks.1.output")


def test_at_one_token_the_donor_is_named() -> None:
    at = replace(EDIT, position=2, token_label=" are", other_label=" \x1bking")
    zero, mean, patch = intervention_lines(at, 3)
    assert all("token 2, '␣are'" in line for line in (zero, mean, patch))
    assert "'␣\\x1bking'" in patch


def test_many_are_counted() -> None:
    assert intervention_lines(EDIT, 1) == ["zero embedding", "and 2 more"]


def test_the_sample_names_the_text_and_its_size() -> None:
    assert "the given text: 1,200 characters, 700 tokens" in edit_sample(EDIT)
    assert "1 character, 1 token" in edit_sample(replace(EDIT, text="I", tokens=1))
