// Preprocessing by a model's meta.json, written independently of the runtime: bytes in N, H, W, C to float32 C, H, W of one
// sample, x = (v * scale - mean) / std in float32 at every step.

const f = Math.fround;

export function preprocessor(meta, shape) {
  const [, height, width, stored] = shape;
  const channels = meta.gray_to_3 ? 3 : stored;
  const reversed = (meta.channel_order ?? 'RGB').toUpperCase() === 'BGR';
  const each = (list, fallback) => Array.from({length: channels}, (_, c) => f((list ?? [fallback])[c] ?? (list ?? [fallback])[0]));
  const mean = each(meta.mean, 0);
  const std = each(meta.std, 1);
  const scale = f(meta.scale ?? 1);
  const area = height * width;
  return (data, index) => {
    const out = new Float32Array(channels * area);
    const base = index * area * stored;
    for (let c = 0; c < channels; ++c) {
      const from = meta.gray_to_3 ? 0 : reversed ? stored - 1 - c : c;
      for (let i = 0; i < area; ++i) {
        out[c * area + i] = f(f(f(data[base + i * stored + from] * scale) - mean[c]) / std[c]);
      }
    }
    return {data: out, dims: [1, channels, height, width]};
  };
}
