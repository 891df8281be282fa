"""Generation: logits to a token, prefill and decode, many streams at once, text that never splits a character."""

from octavo.generate.text import generate

__all__ = ["generate"]
