"""Generation: prefill and decode, logits to a token, many streams at once, text that never splits a character.

Nothing is imported here: generating with a run on disk takes no torch, generating with a model in memory does.
"""
