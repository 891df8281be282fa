"""The whole path from a text to a trained and scored run. Importing this takes no torch.

`octavo.train(text)` is in :mod:`octavo.pipeline.train`, `octavo.load(run)` in :mod:`octavo.pipeline.run`.
"""
