"use strict";
/* What hands do to a chart: a mouse reads where it is and drags a stretch; one finger reads, two zoom. Places are
   pixels across. */

/** octavo.gestures(element, {
      place(event),         where that is, within the chart
      read(x), leave(),     read values there, or no more
      choosing(from, to),   a stretch that is being dragged; both 0: none
      choose(from, to),     it was let go
      all(),                a double click
      pinch(a, b),          two fingers came down; returns what to do with the places they move to
    }) */
octavo.gestures = (element, { place, read, leave, choosing, choose, all, pinch }) => {
  const fingers = new Map();
  let pinched = null;
  let dragged = null;

  element.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, place(event));
    element.setPointerCapture(event.pointerId);
    if (fingers.size === 2) pinched = pinch(...fingers.values());
    else if (event.pointerType === "touch") read(place(event));
    else if (event.button === 0) dragged = place(event);
  });

  element.addEventListener("pointermove", (event) => {
    const x = place(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, x);
    if (pinched) {
      if (fingers.size === 2) pinched(...fingers.values());
      return;
    }
    read(x);
    if (dragged !== null) choosing(Math.min(dragged, x), Math.max(dragged, x));
  });

  const up = (event) => {
    const [from, to] = [dragged, place(event)].sort((a, b) => a - b);
    const chosen = event.type === "pointerup" && dragged !== null && to - from > 5;
    fingers.delete(event.pointerId);
    [pinched, dragged] = [null, null];
    choosing(0, 0);
    if (chosen) choose(from, to);
  };
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("dblclick", all);
  element.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && dragged === null && leave());
};
