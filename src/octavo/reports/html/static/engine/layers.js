"use strict";
/* Linear layers, norms and activations, as in `octavo/model/layers.py`. A tensor is a flat Float64Array in row order,
   N rows of some width; a layer is {weight, bias}. I inputs, O outputs. */
octavo.engine.layers = (() => {
  /** x (N, I) times the transpose of weight (O, I), plus bias: (N, O).

      Two rows and four outputs at a time: each number that is read from memory is used several times. */
  function linear(x, { weight, bias }) {
    const [outputs, inputs] = weight.shape;
    const rows = x.length / inputs;
    const w = weight.data;
    const y = new Float64Array(rows * outputs);
    let o = 0;
    for (; o + 3 < outputs; o += 4) {
      const w0 = o * inputs;
      const w1 = w0 + inputs;
      const w2 = w1 + inputs;
      const w3 = w2 + inputs;
      let row = 0;
      for (; row + 1 < rows; row += 2) {
        const a = row * inputs;
        const b = a + inputs;
        let a0 = 0;
        let a1 = 0;
        let a2 = 0;
        let a3 = 0;
        let b0 = 0;
        let b1 = 0;
        let b2 = 0;
        let b3 = 0;
        for (let i = 0; i < inputs; i++) {
          const xa = x[a + i];
          const xb = x[b + i];
          const u0 = w[w0 + i];
          const u1 = w[w1 + i];
          const u2 = w[w2 + i];
          const u3 = w[w3 + i];
          a0 += xa * u0;
          a1 += xa * u1;
          a2 += xa * u2;
          a3 += xa * u3;
          b0 += xb * u0;
          b1 += xb * u1;
          b2 += xb * u2;
          b3 += xb * u3;
        }
        const ya = row * outputs + o;
        const yb = ya + outputs;
        y[ya] = a0;
        y[ya + 1] = a1;
        y[ya + 2] = a2;
        y[ya + 3] = a3;
        y[yb] = b0;
        y[yb + 1] = b1;
        y[yb + 2] = b2;
        y[yb + 3] = b3;
      }
      for (; row < rows; row++) {
        const a = row * inputs;
        let a0 = 0;
        let a1 = 0;
        let a2 = 0;
        let a3 = 0;
        for (let i = 0; i < inputs; i++) {
          const xa = x[a + i];
          a0 += xa * w[w0 + i];
          a1 += xa * w[w1 + i];
          a2 += xa * w[w2 + i];
          a3 += xa * w[w3 + i];
        }
        const ya = row * outputs + o;
        y[ya] = a0;
        y[ya + 1] = a1;
        y[ya + 2] = a2;
        y[ya + 3] = a3;
      }
    }
    for (; o < outputs; o++) {
      for (let row = 0; row < rows; row++) y[row * outputs + o] = dot(x, row * inputs, w, o * inputs, inputs);
    }
    if (bias) for (let i = 0; i < y.length; i++) y[i] += bias.data[i % outputs];
    return y;
  }

  /** The dot product of `length` numbers of a and of b, from these places on. Four sums can be added to at once. */
  function dot(a, aStart, b, bStart, length) {
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    let i = 0;
    for (; i + 3 < length; i += 4) {
      sum0 += a[aStart + i] * b[bStart + i];
      sum1 += a[aStart + i + 1] * b[bStart + i + 1];
      sum2 += a[aStart + i + 2] * b[bStart + i + 2];
      sum3 += a[aStart + i + 3] * b[bStart + i + 3];
    }
    for (; i < length; i++) sum0 += a[aStart + i] * b[bStart + i];
    return sum0 + sum1 + (sum2 + sum3);
  }

  /** Each row divided by its root mean square, times a learned scale. */
  function rmsNorm(x, { weight }, epsilon) {
    const width = weight.data.length;
    const y = new Float64Array(x.length);
    for (let row = 0; row < x.length; row += width) {
      const scale = 1 / Math.sqrt(dot(x, row, x, row, width) / width + epsilon);
      for (let i = 0; i < width; i++) y[row + i] = x[row + i] * scale * weight.data[i];
    }
    return y;
  }

  /** Each row minus its mean, divided by its standard deviation, times a learned scale, plus a learned bias. */
  function layerNorm(x, { weight, bias }, epsilon) {
    const width = weight.data.length;
    const y = new Float64Array(x.length);
    for (let row = 0; row < x.length; row += width) {
      let mean = 0;
      for (let i = 0; i < width; i++) mean += x[row + i] / width;
      let variance = 0;
      for (let i = 0; i < width; i++) variance += (x[row + i] - mean) ** 2 / width;
      const scale = 1 / Math.sqrt(variance + epsilon);
      for (let i = 0; i < width; i++) {
        y[row + i] = (x[row + i] - mean) * scale * weight.data[i] + (bias ? bias.data[i] : 0);
      }
    }
    return y;
  }

  /** The norm that `config.norm` names: a function (x, layer) => y. */
  function makeNorm({ norm, norm_epsilon }) {
    const kinds = { rms: rmsNorm, layer: layerNorm, none: (x) => x };
    return (x, layer) => kinds[norm](x, layer, norm_epsilon);
  }

  /** Turn `length` numbers from `start` on into probabilities, in place. -Infinity becomes 0. */
  function softmax(x, start, length) {
    let largest = -Infinity;
    for (let i = start; i < start + length; i++) if (x[i] > largest) largest = x[i];
    let sum = 0;
    for (let i = start; i < start + length; i++) {
      x[i] = x[i] === -Infinity ? 0 : Math.exp(x[i] - largest);
      sum += x[i];
    }
    for (let i = start; i < start + length; i++) x[i] /= sum;
  }

  /** a + b, element by element. */
  function add(a, b) {
    const sum = new Float64Array(a.length);
    for (let i = 0; i < a.length; i++) sum[i] = a[i] + b[i];
    return sum;
  }

  return { linear, dot, rmsNorm, makeNorm, softmax, add };
})();
