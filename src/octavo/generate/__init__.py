"""Generation: logits to a token, prefill and decode, many streams at once, text that never splits a character.

Nothing is imported here: what writes with a trained run takes no torch, what writes with a model does.
"""
