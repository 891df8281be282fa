"use strict";
/* The weights of a model as arrays by name, as `octavo/model/weights.py` names them, from the base64 of a page. */
octavo.engine = {};
octavo.engine.readWeights = (() => {
  /** The bytes of a base64 text. */
  function bytesOf(base64) {
    const letters = atob(base64);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
    return bytes;
  }

  /** The number that 16 bits mean: 1 for the sign, 5 for the exponent, 10 for the fraction (IEEE 754). */
  function fp16(bits) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return bits & 0x8000 ? -size : size;
  }

  /** `value(number, index)` of each of the numbers, as 64-bit floats. */
  function floats(numbers, value) {
    const all = new Float64Array(numbers.length);
    for (let i = 0; i < all.length; i++) all[i] = value(numbers[i], i);
    return all;
  }

  const DECODERS = {
    fp32: ({ values }) => new Float64Array(new Float32Array(bytesOf(values).buffer)),
    fp16: ({ values }) => floats(new Uint16Array(bytesOf(values).buffer), fp16),
    int8({ values, scales, shape }) {
      const scale = new Float32Array(bytesOf(scales).buffer);
      const width = shape[1];
      return floats(new Int8Array(bytesOf(values).buffer), (value, index) =>
        Math.fround(value * scale[Math.floor(index / width)]),
      );
    },
  };

  /** {name: {shape, data}} of packed tensors {name: {format, shape, values, scales}}.

      Data are 64-bit floats: JavaScript computes with 64 bits, and converting 32-bit weights at every use would take
      longer than reading twice the memory. */
  return (tensors) => {
    const weights = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      weights[name] = { shape: tensor.shape, data: DECODERS[tensor.format](tensor) };
    }
    return weights;
  };
})();
