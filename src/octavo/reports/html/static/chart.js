"use strict";
/* The calculations of a chart, as in html/axis.py and html/panels.py: positions of values, ticks of an axis, running
   means. Nothing here changes the page. */
octavo.chart = (() => {
  const STEPS = [1, 2, 5, 10];

  /** Values from low to high, drawn from start to end (pixels); `log`: equal ratios have equal lengths. */
  function axis(low, high, start, end, log = false) {
    const of = log ? Math.log : (value) => value;
    const back = log ? Math.exp : (value) => value;
    const scale = (end - start) / (of(high) - of(low));
    return {
      low,
      high,
      log,
      position: (value) => start + (of(value) - of(low)) * scale,
      value: (position) => back(of(low) + (position - start) / scale),
      ticks: (target) => (log && high / low >= 8 ? logTicks(low, high, target) : evenTicks(low, high, target)),
    };
  }

  function evenTicks(low, high, target) {
    const minimum = (high - low) / target;
    const power = 10 ** Math.floor(Math.log10(minimum));
    const step = power * STEPS.find((digit) => digit * power >= minimum * (1 - 1e-9));
    const ticks = [];
    const last = Math.floor(high / step + 1e-9);
    for (let i = Math.ceil(low / step - 1e-9); i <= last; i++) ticks.push(i * step + 0); // never -0
    return ticks;
  }

  /** Powers of ten, and 2 and 5 times these where there is room. */
  function logTicks(low, high, target) {
    const first = Math.floor(Math.log10(low));
    const last = Math.ceil(Math.log10(high));
    const digits = 3 * (last - first) <= 2 * target ? [1, 2, 5] : [1];
    const every = Math.max(1, Math.ceil((last - first) / target));
    const ticks = [];
    for (let power = first; power <= last; power += every) {
      for (const digit of digits) ticks.push(digit * 10 ** power);
    }
    return ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
  }

  /** The ends of an axis for values from low to high: with a margin, and from 0 if `zero`. */
  function paddedRange(low, high, zero) {
    if (zero) return [Math.min(0, low), high * 1.05 || 1];
    const margin = 0.06 * (high - low) || 0.5 * Math.max(Math.abs(high), 1e-3);
    return [low - margin, high + margin];
  }

  /** A value of an axis or a readout with four significant digits: 1,500, 2.5 M, 3e-5. */
  function number(value) {
    const size = Math.abs(value);
    if (size >= 1e6) return `${plain(value / 1e6)} M`;
    if (size && size < 1e-3) {
      const [digits, power] = value.toExponential(3).split("e");
      return `${plain(Number(digits))}e${Number(power)}`;
    }
    return size >= 1000 ? Math.round(value).toLocaleString("en") : plain(value);
  }

  function plain(value) {
    const places = value ? Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value)))) : 0;
    return value.toLocaleString("en", { maximumFractionDigits: places });
  }

  /** The mean of each point and its neighbours: `window` (odd) points, fewer near the ends. */
  function smoothed(values, window) {
    const sums = [0];
    for (const value of values) sums.push(sums[sums.length - 1] + value);
    return values.map((_, at) => {
      const reach = Math.min(at, values.length - 1 - at, (window - 1) / 2);
      return (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1);
    });
  }

  /** The index of the nearest of ascending values. */
  function nearest(values, wanted) {
    let low = 0;
    let high = values.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (values[middle] <= wanted) low = middle;
      else high = middle;
    }
    return wanted - values[low] <= values[high] - wanted ? low : high;
  }

  return { axis, paddedRange, number, smoothed, nearest };
})();
