"use strict";
/* Words: the pieces of a text within which byte pairs are merged, as in `octavo/tokenizer/kinds.py`. */
octavo.engine.makeSplit = (() => {
  /* The library that Octavo tokenizes with knows Unicode 16. A browser may know later characters, which are nothing in
     particular to that library: these are replaced by others of the same length before a text is split. */
  const NEWER =
    /[\u088f\u0c5c\u0cdc\u1acf-\u1add\u1ae0-\u1aeb\ua7ce\ua7cf\ua7d2\ua7d4\ua7f1\u{10940}-\u{10959}\u{10ec5}-\u{10ec7}\u{10efa}\u{10efb}\u{11b60}-\u{11b67}\u{11db0}-\u{11ddb}\u{11de0}-\u{11de9}\u{16ea0}-\u{16eb8}\u{16ebb}-\u{16ed3}\u{16ff2}-\u{16ff6}\u{187f8}-\u{187ff}\u{18d09}-\u{18d1e}\u{18d80}-\u{18df2}\u{1e6c0}-\u{1e6de}\u{1e6e0}-\u{1e6f5}\u{1e6fe}\u{1e6ff}\u{2b73a}-\u{2b73f}\u{2cea2}-\u{2cead}\u{323b0}-\u{33479}]/gu;
  const unassigned = (character) => (character.length === 1 ? "\ufdd0" : "\u{1fffe}");

  const SPACE = "\\p{White_Space}"; // \s of JavaScript has U+FEFF and lacks U+0085
  const LETTER = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d";
  const PATTERNS = {
    // Of Qwen 3.5. The long s counts as an s in another case.
    qwen: [
      "'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]",
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+",
      "\\p{N}",
      ` ?[^${SPACE}\\p{L}\\p{M}\\p{N}]+[\\r\\n]*`,
      `${SPACE}*[\\r\\n]+`,
      `${SPACE}+(?![^${SPACE}])`,
      `${SPACE}+`,
    ],
    // Of GPT-2, in runs of earlier versions.
    "gpt-2": [
      "'s|'t|'re|'ve|'m|'ll|'d",
      " ?\\p{L}+",
      " ?\\p{N}+",
      ` ?[^${SPACE}\\p{L}\\p{N}]+`,
      `${SPACE}+(?![^${SPACE}])`,
      `${SPACE}+`,
    ],
    // Of the course report: words and runs of punctuation, without white space.
    whitespace: [`[${LETTER}]+`, `[^${LETTER}${SPACE}]+`],
  };

  /** The function that splits a text into words in this way. */
  return (name) => {
    const pattern = new RegExp(PATTERNS[name].join("|"), "gu");
    return (text) => {
      const words = [];
      for (const { 0: word, index } of text.replace(NEWER, unassigned).matchAll(pattern)) {
        words.push(text.slice(index, index + word.length));
      }
      return words;
    };
  };
})();
