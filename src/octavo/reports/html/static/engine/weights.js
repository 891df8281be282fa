"use strict";
/* The weights of a model as arrays by name, as `octavo/model/weights.py` names them, from the base64 of a page. */
octavo.engine = {};
octavo.engine.readWeights = (() => {
  /** The bytes of a base64 text. */
  function bytesOf(base64) {
    const letters = atob(base64);
    return Uint8Array.from({ length: letters.length }, (_, index) => letters.charCodeAt(index));
  }

  /** The number that 16 bits mean: 1 for the sign, 5 for the exponent, 10 for the fraction (IEEE 754). */
  function fp16(bits) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return bits & 0x8000 ? -size : size;
  }

  const DECODERS = {
    fp32: ({ values }) => Float64Array.from(new Float32Array(bytesOf(values).buffer)),
    fp16: ({ values }) => {
      const table = (fp16.table ??= Float64Array.from({ length: 65536 }, (_, bits) => fp16(bits)));
      return Float64Array.from(new Uint16Array(bytesOf(values).buffer), (bits) => table[bits]);
    },
    int8: ({ values, scales, shape }) => {
      const scale = new Float32Array(bytesOf(scales).buffer);
      return Float64Array.from(new Int8Array(bytesOf(values).buffer), (value, index) =>
        Math.fround(value * scale[Math.floor(index / shape[1])]),
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
