// How far two sets of outputs are apart; the definitions of `halftone evaluate`.

export function argmax(values, from, count) {
  let best = from;
  for (let i = from + 1; i < from + count; ++i) if (values[i] > values[best]) best = i;
  return best - from;
}

// a and b: outputs of n samples one after another; b is the reference.
export function compare(a, b, samples) {
  if (a.length !== b.length) throw new Error(`${a.length} output elements against ${b.length}`);
  const size = a.length / samples;
  let ratio = 0, same = 0, largest = 0;
  for (let s = 0; s < samples; ++s) {
    let noise = 0, signal = 0;
    for (let i = s * size; i < (s + 1) * size; ++i) {
      const difference = a[i] - b[i];
      noise += difference * difference;
      signal += b[i] * b[i];
      largest = Math.max(largest, Math.abs(difference));
    }
    ratio += noise / (signal + 1e-7);
    if (argmax(a, s * size, size) === argmax(b, s * size, size)) ++same;
  }
  return {noiseToSignal: ratio / samples, agreement: same / samples, largest};
}

export function top1(outputs, labels, samples) {
  const size = outputs.length / samples;
  let right = 0;
  for (let s = 0; s < samples; ++s) if (argmax(outputs, s * size, size) === Number(labels[s])) ++right;
  return right / samples;
}
