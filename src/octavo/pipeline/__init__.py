"""From a text to a trained, scored and examined run. Importing this takes no torch.

`octavo.train(text)` is in :mod:`octavo.pipeline.train`, `octavo.load(run)` in :mod:`octavo.pipeline.run`.
"""
