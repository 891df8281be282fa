"use strict";
/* The tokenizers: text to token ids and back, as in `octavo/tokenizer/kinds.py`. */
octavo.engine.Tokenizer = (() => {
  const { makeSplit, makeMerge } = octavo.engine;
  const encoder = new TextEncoder();

  /** The byte of each letter of a byte-level vocabulary: a printable byte is its own letter, the others are, in order,
      the letters from U+0100 on. */
  function byteLetters() {
    const isPrintable = (b) => (b >= 0x21 && b < 0x7f) || (b >= 0xa1 && b < 0xad) || (b >= 0xae && b < 0x100);
    const bytes = Array.from({ length: 256 }, (_, b) => b);
    const others = bytes.filter((b) => !isPrintable(b));
    return new Map(bytes.map((b) => [String.fromCharCode(isPrintable(b) ? b : 0x100 + others.indexOf(b)), b]));
  }

  const BYTE_OF = byteLetters();
  const LETTER_OF = [...BYTE_OF].sort((a, b) => a[1] - b[1]).map(([letter]) => letter);
  const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;
  const byteToken = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
  const MAX_KNOWN = 10_000; // words whose tokens are kept

  /** By kind: the bytes of a token of the vocabulary, and the tokens that a word is merged from. */
  const KINDS = {
    bpe: {
      bytes: (token) => Uint8Array.from([...token], (letter) => BYTE_OF.get(letter)),
      letters: (word) => Array.from(encoder.encode(word), (byte) => LETTER_OF[byte]),
    },
    characters: {
      bytes(token) {
        const byte = BYTE_TOKEN.exec(token);
        return byte ? Uint8Array.of(parseInt(byte[1], 16)) : encoder.encode(token);
      },
      letters: (word, vocabulary) =>
        [...word].flatMap((letter) => (vocabulary.has(letter) ? [letter] : [...encoder.encode(letter)].map(byteToken))),
    },
    "whitespace-bpe": {
      bytes: (token) => encoder.encode(` ${token}`),
      letters: (word, vocabulary) => [...word].filter((letter) => vocabulary.has(letter)), // others have no token
    },
  };

  return class {
    /** `packed`: {kind, split, tokens: by id, merges: [left, right, merged] ids, bos_id}. */
    constructor({ kind, split, tokens, merges, bos_id }) {
      const { bytes, letters } = KINDS[kind];
      this.kind = kind;
      this.lossless = kind !== "whitespace-bpe";
      this.bosId = bos_id; // null: there is none
      this.vocabSize = tokens.length;
      this.letters = letters;
      this.vocabulary = new Map(tokens.map((token, id) => [token, id]));
      this.tokenBytes = tokens.map((token, id) => (id === bos_id ? new Uint8Array() : bytes(token)));
      this.split = split ? makeSplit(split) : (text) => [text];
      this.merge = makeMerge(merges, tokens.length);
      this.known = new Map(); // word -> ids
    }

    /** The token ids of a text, without a BOS token. Half of a surrogate pair is not a character: it is read as
        U+FFFD, as it is in any file that a browser writes. */
    encode(text) {
      const ids = [];
      for (const word of this.split(text.replace(/\p{Surrogate}/gu, "\ufffd"))) {
        for (const id of this.encodeWord(word)) ids.push(id);
      }
      return ids;
    }

    encodeWord(word) {
      const known = this.known.get(word);
      if (known) return known;
      const ids = this.merge(this.letters(word, this.vocabulary).map((letter) => this.vocabulary.get(letter)));
      if (this.known.size < MAX_KNOWN && word.length < 100) this.known.set(word, ids);
      return ids;
    }

    /** The text of token ids; bytes that are not UTF-8 become U+FFFD. */
    decode(ids) {
      const detokenizer = new octavo.engine.Detokenizer(this);
      const text = detokenizer.push(ids) + detokenizer.end();
      return this.lossless ? text : text.replace(/^ /, ""); // tokens are joined by single spaces
    }
  };
})();

/** The text of a growing list of tokens. It never returns half a character. */
octavo.engine.Detokenizer = class {
  constructor(tokenizer) {
    this.tokenBytes = tokenizer.tokenBytes;
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true }); // U+FEFF is text
  }

  /** The text that is certain after these further tokens. */
  push(ids) {
    return ids.map((id) => this.pushBytes(this.tokenBytes[id])).join("");
  }

  /** The text that is certain after these further bytes. */
  pushBytes(bytes) {
    return this.decoder.decode(bytes, { stream: true });
  }

  /** U+FFFD if the tokens end within a character. */
  end() {
    return this.decoder.decode();
  }
};
