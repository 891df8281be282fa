"use strict";
/* Byte-pair merges (Sennrich et al., 2016): of all neighbouring pairs, the one that was learned first is merged, the
   leftmost of equal ones, until none is left. */
octavo.engine.makeMerge = (() => {
  const PLACES = 2 ** 26; // tokens of a word, at most

  /** A queue of numbers, the smallest first: a binary heap. */
  class Queue {
    heap = [];

    push(number) {
      const { heap } = this;
      let at = heap.push(number) - 1;
      while (at > 0 && heap[(at - 1) >> 1] > number) {
        heap[at] = heap[(at - 1) >> 1];
        at = (at - 1) >> 1;
      }
      heap[at] = number;
    }

    pop() {
      const { heap } = this;
      const smallest = heap[0];
      const last = heap.pop();
      let at = 0;
      while (2 * at + 1 < heap.length) {
        const left = 2 * at + 1;
        const child = left + 1 < heap.length && heap[left + 1] < heap[left] ? left + 1 : left;
        if (heap[child] >= last) break;
        heap[at] = heap[child];
        at = child;
      }
      if (heap.length) heap[at] = last;
      return smallest;
    }
  }

  /** `merges`: [left, right, merged] ids in the order in which they were learned. Returns the function that merges the
      ids of a word. */
  return (merges, vocabSize) => {
    const rankOf = new Map(merges.map(([left, right], rank) => [left * vocabSize + right, rank]));

    return (word) => {
      const ids = [...word];
      const next = ids.map((_, place) => place + 1);
      const before = ids.map((_, place) => place - 1);
      const queue = new Queue(); // of rank * PLACES + place of the left token

      function offer(place) {
        if (place < 0 || next[place] >= ids.length) return;
        const rank = rankOf.get(ids[place] * vocabSize + ids[next[place]]);
        if (rank !== undefined) queue.push(rank * PLACES + place);
      }

      ids.forEach((_, place) => offer(place));
      while (queue.heap.length) {
        const number = queue.pop();
        const place = number % PLACES;
        const [left, right, merged] = merges[Math.floor(number / PLACES)];
        const follower = next[place];
        if (ids[place] !== left || ids[follower] !== right) continue; // one of the two was merged in the meantime
        ids[place] = merged;
        ids[follower] = null;
        next[place] = next[follower];
        if (next[place] < ids.length) before[next[place]] = place;
        offer(before[place]);
        offer(place);
      }
      return ids.filter((id) => id !== null);
    };
  };
})();
