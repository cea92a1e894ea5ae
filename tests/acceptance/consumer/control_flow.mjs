// Models with If, Loop, Scan and functions: the float model and the quantized file give in ONNX Runtime what they give here, and the
// quantized file has its nodes inside the bodies.
//   node control_flow.mjs --halftone BIN --modules DIR --out DIR MODELS_FOLDER   (made by made_control_flow.py)
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';

import {compare} from './figures.mjs';
import {readNpy} from './npy.mjs';
import {loadOrt, runModel} from './ort.mjs';

const MOST_NOISE = {float: 1e-9, int8: 1e-5};  // a value on the border of two steps may fall either way
const INNER = {branches: 3, loop: 1, scan: 2};  // at least so many Q/DQ pairs in bodies

const {values: options, positionals} = parseArgs({
  allowPositionals: true,
  options: {halftone: {type: 'string'}, modules: {type: 'string'}, out: {type: 'string'}},
});
if (!options.halftone || !options.modules || !options.out || positionals.length !== 1) {
  console.error('usage: control_flow.mjs --halftone BIN --modules DIR --out DIR MODELS_FOLDER');
  process.exit(2);
}

function halftone(...args) {
  const run = spawnSync(options.halftone, args, {encoding: 'utf8', maxBuffer: 1 << 26});
  if (run.status !== 0) throw new Error(`halftone ${args[0]} ended with ${run.status ?? run.signal}: ${run.stderr.trim()}`);
  return run.stdout;
}

const ort = loadOrt(options.modules);
fs.mkdirSync(options.out, {recursive: true});
let failures = 0;
const report = (good, text) => {
  if (!good) ++failures;
  console.log(`${good ? 'ok    ' : 'FAILED'} ${text}`);
};
for (const name of fs.readdirSync(positionals[0]).sort()) {
  const folder = path.join(positionals[0], name), samples = path.join(folder, 'x.npy');
  const x = readNpy(samples), count = x.shape[0], size = x.data.length / count;
  const sampleAt = (i) => ({data: x.data.slice(i * size, (i + 1) * size), dims: [1, ...x.shape.slice(1)]});
  const original = path.join(folder, 'model.onnx'), written = path.join(options.out, `${name}.int8.onnx`);
  const configs = path.join(options.out, `${name}.json`), figures = path.join(options.out, `${name}.figures.json`);
  halftone('quantize', original, '--platform', 'onnxruntime-int8', '--calibration', samples, '--test', samples, '--output', written,
    '--configs-out', configs, '--json', figures, '--quiet');
  for (const [kind, file] of [['float', original], ['int8', written]]) {
    const npy = path.join(options.out, `${name}.${kind}`);
    halftone('evaluate', file, '--data', samples, '--outputs-npy', npy, '--quiet');
    const here = readNpy(path.join(npy, 'y.npy')).data, [there] = await runModel(ort, file, count, sampleAt);
    const found = compare(here, there.data, count);
    report(found.noiseToSignal < MOST_NOISE[kind], `${name} ${kind}: here against ONNX Runtime ${found.noiseToSignal.toExponential(2)}`);
  }
  const loss = JSON.parse(fs.readFileSync(figures)).outputs[0].noise_to_signal;
  const [full] = await runModel(ort, original, count, sampleAt), [less] = await runModel(ort, written, count, sampleAt);
  const seen = compare(less.data, full.data, count).noiseToSignal;
  report(loss > 0 && loss < 0.05 && Math.abs(seen - loss) < 0.1 * loss,
    `${name}: noise of the simulated model ${loss.toExponential(2)}, of the file in ONNX Runtime ${seen.toExponential(2)}`);
  if (!(name in INNER)) continue;
  const inner = (fs.readFileSync(written).toString('latin1').match(/QuantizeLinear/g) ?? []).length;
  report(inner > 2 * INNER[name], `${name}: ${inner} mentions of QuantizeLinear`);
}
process.exit(failures === 0 ? 0 : 1);
