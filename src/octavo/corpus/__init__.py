"""Read texts: files in any encoding, or Tiny Shakespeare rebuilt offline; split them.

corpus = read_corpus(["hamlet.txt"])
train, validation, test = split(corpus)
"""

from octavo.corpus.document import Corpus, Document
from octavo.corpus.lazy_text import LazyText
from octavo.corpus.reading import read_corpus
from octavo.corpus.segmentation import with_documents
from octavo.corpus.shakespeare import tiny_shakespeare
from octavo.corpus.split import CorpusSplit, split, split_boundaries, split_range

__all__ = [
    "Corpus",
    "CorpusSplit",
    "Document",
    "LazyText",
    "read_corpus",
    "split",
    "split_boundaries",
    "split_range",
    "tiny_shakespeare",
    "with_documents",
]
