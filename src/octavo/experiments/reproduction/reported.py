"""The values that the course report states: facts, figures, texts and prompts. Nothing here is measured."""

from dataclasses import dataclass

from octavo.corpus import shakespeare

PRESET = "reference"


@dataclass(frozen=True)
class EpochRow:
    """Losses at the end of an epoch in nats per token, and perplexity per token of the same tokenizer."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_perplexity: float


EPOCHS = (
    EpochRow(1, 5.2713, 5.5793, 264.89),
    EpochRow(2, 5.5379, 5.5279, 251.61),
    EpochRow(3, 5.5169, 5.5271, 251.42),
    EpochRow(4, 5.5169, 5.5298, 252.09),
    EpochRow(5, 5.5169, 5.5291, 251.91),
    EpochRow(6, 5.5168, 5.5269, 251.37),
    EpochRow(7, 5.5169, 5.5274, 251.49),
    EpochRow(8, 5.5169, 5.5271, 251.41),
    EpochRow(9, 5.5168, 5.5280, 251.64),
    EpochRow(10, 5.5169, 5.5277, 251.58),
)

# The closing perplexities. Those of training are of a sum over a sample, divided by the number of all windows.
CLOSING = {
    "validation_loss": 5.53,
    "validation_perplexity": 251.56,
    "training_loss": 0.16,
    "training_perplexity": 1.17,
}
SAMPLE_WINDOWS = 10_000

CHARACTERS, LINES, SHA256 = 1_115_394, shakespeare.LINES, shakespeare.SHA256
VOCABULARY = 500
TRAIN_TOKENS, VALIDATION_TOKENS = 358_503, 89_626
TRAIN_WINDOWS, STEPS_PER_EPOCH, VALIDATION_BATCHES = 358_453, 5_601, 1_400
PARAMETERS = 524_660
EXAMPLE = "Hello Shakespeare!"
EXAMPLE_IDS = (314, 80, 55, 33, 89, 51, 86, 154, 158, 4)
EXAMPLE_TOKENS = "He ll o S ha k es pe are !"

# The runtime table.
MACHINE = "one L4 GPU"
SECONDS_PER_EPOCH, SECONDS = 55.0, 9.2 * 60
TRAINING_STEPS_PER_SECOND, VALIDATION_STEPS_PER_SECOND = 100.0, 375.0
SECONDS_PER_100_TOKENS = 0.5
PEAK_MEMORY_BYTES = 2 * 10**9

# The prompts and settings of generation.
PROMPTS = ("ROMEO:", "To be or not to be", "First Citizen:", "JULIET:", "What light through")
TEMPERATURES = (0.5, 0.8, 1.0)
NEW_TOKENS, TOP_K = 60, 50

# The texts of the attention heatmaps, by the names of their files here.
ATTENTION_TEXTS = {
    "romeo": "ROMEO:\nBut, soft! what light through yonder window breaks?",
    "to-be": "To be, or not to be: that is the question:",
    "first-citizen": "First Citizen:\nBefore we proceed any further, hear me speak.",
}
ATTENTION_TOKENS = 25  # at most
