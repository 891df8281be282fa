"""Text in: files and their encodings, Tiny Shakespeare rebuilt offline, splits.

corpus = read_corpus(["hamlet.txt"])
train, validation, test = split(corpus)
"""

from octavo.corpus.document import Corpus, Document
from octavo.corpus.lazy_text import FiledText, Text
from octavo.corpus.reading import read_corpus
from octavo.corpus.segmentation import with_documents
from octavo.corpus.shakespeare import tiny_shakespeare
from octavo.corpus.split import Part, Parts, borders, split, stretch

__all__ = [
    "Corpus",
    "Document",
    "FiledText",
    "Part",
    "Parts",
    "Text",
    "borders",
    "read_corpus",
    "split",
    "stretch",
    "tiny_shakespeare",
    "with_documents",
]
