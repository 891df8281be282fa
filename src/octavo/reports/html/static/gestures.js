"use strict";
/* Pointer gestures on a chart: a mouse reads values and selects a range by dragging; one finger reads, two zoom.
   Positions are horizontal pixels. */

/** octavo.gestures(element, {
      position(event),      the position of an event within the chart
      read(x), leave(),     show the values there, or none
      choosing(from, to),   a range that is being selected; both 0: none
      choose(from, to),     a range was selected
      all(),                a double click
      pinch(a, b),          two fingers came down; returns the function to call with the positions they move to
    }) */
octavo.gestures = (element, { position, read, leave, choosing, choose, all, pinch }) => {
  const fingers = new Map();
  let pinched = null;
  let dragged = null;

  element.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, position(event));
    element.setPointerCapture(event.pointerId);
    if (fingers.size === 2) pinched = pinch(...fingers.values());
    else if (event.pointerType === "touch") read(position(event));
    else if (event.button === 0) dragged = position(event);
  });

  element.addEventListener("pointermove", (event) => {
    const x = position(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, x);
    if (pinched) {
      if (fingers.size === 2) pinched(...fingers.values());
      return;
    }
    read(x);
    if (dragged !== null) choosing(Math.min(dragged, x), Math.max(dragged, x));
  });

  const up = (event) => {
    const [from, to] = [dragged, position(event)].sort((a, b) => a - b);
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
