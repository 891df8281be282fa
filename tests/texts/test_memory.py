"""A long text needs hardly more memory than a short one, measured on processes that read, tokenize and train.

`make soak` compares larger files, with a tighter limit.
"""

import sys

import pytest
from tests.texts.soak import peak_of_a_long_file

# Peaks of two processes with the same text differ by up to 10 MiB. The measured growth is 0.4 to 0.7 bytes per byte
# of text, so at most 19 MB here, against a limit of 36 MB. If the text, its copies and its tokens were held in
# memory, it would be 6.6 bytes per byte, 79 MB.
_MAX_GROWTH = 3.0  # bytes per byte of text


@pytest.mark.timeout(400)  # a quarter of a minute, and several times as long on a busy machine
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak of a process")
def test_memory_does_not_grow_with_a_text() -> None:
    small, large = (peak_of_a_long_file(megabytes, repeats=3) for megabytes in (3, 15))
    growth = large.bytes_at_peak - small.bytes_at_peak
    assert growth / (large.bytes_of_text - small.bytes_of_text) < _MAX_GROWTH, (small, large)
