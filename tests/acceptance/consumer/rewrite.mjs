// Runs passes that rewrite the float graph on real models and compares the written files with the originals in ONNX Runtime, and
// by `halftone evaluate --against`. Without graph optimization, so that the operators of the file are the ones that run.
//   node rewrite.mjs --halftone BIN --modules DIR --out DIR [--limit N] MODELS_FOLDER
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';

import {compare} from './figures.mjs';
import {readNpy, resolveLink} from './npy.mjs';
import {loadOrt, runModel} from './ort.mjs';
import {preprocessor} from './preprocess.mjs';

const MOST_NOISE = 1e-9;  // relative 3e-5 of the outputs

const {values: options, positionals} = parseArgs({
  allowPositionals: true,
  options: {halftone: {type: 'string'}, modules: {type: 'string'}, out: {type: 'string'}, limit: {type: 'string', default: '8'}},
});
if (!options.halftone || !options.modules || !options.out || positionals.length !== 1) {
  console.error('usage: rewrite.mjs --halftone BIN --modules DIR --out DIR [--limit N] MODELS_FOLDER');
  process.exit(2);
}

const VIT = ['fuse-layer-norm', 'fuse-gelu', 'fuse-matmul-add', 'fuse-skip-layer-norm', 'fuse-attention'];
const NORMS = ['fold-batch-norm: {standalone: false}', 'fuse-swish'];
const CASES = [
  ['vit-tiny-cifar10', 'model_op13_decomposed_ln.onnx', VIT, ['Gelu 4', 'MultiHeadAttention 4']],
  ['vit-tiny-cifar10', 'model_op13_decomposed_ln.onnx', ['fuse-layer-norm', 'fuse-gelu: {operator: microsoft}'], ['Gelu 4']],
  ['vit-tiny-cifar10', 'model.onnx', VIT, ['Gelu 4', 'MultiHeadAttention 4']],
  ['vit-tiny-cifar10', 'model.onnx', ['fuse-gemm', 'decompose-gemm', 'split-parameters'], ['Gemm 0']],
  ['ppocr-v2-cls', 'model.onnx', [...NORMS, 'replace-batch-norm', 'fuse-gemm'], ['BatchNormalization 0', 'HardSwish 18']],
  ['ppocr-v2-cls', 'model.onnx', ['replace-batch-norm: {as: scale}'], ['BatchNormalization 0']],
  ['mobilenetv2-cifar10', 'model_bn_unfused.onnx', ['replace-batch-norm', 'decompose-gemm'], ['BatchNormalization 0', 'Gemm 0']],
  ['resnet20-cifar10', 'model_bn_unfused.onnx', ['replace-batch-norm: {as: scale}'], ['BatchNormalization 0']],
  ['mobilenetv1-025-imagenet', 'model.onnx', ['decompose-gemm', 'fuse-gemm'], []],
  ['squeezenet-imagenet', 'model.onnx', ['split-parameters: {floats_only: false}'], []],
  // Constants that are listed as inputs: none is left on the list.
  ['mnist-cntk', 'model.onnx', ['fuse-bias-add', 'cross-layer-equalization'], []],
  ['rfb320-face', 'model_bn_unfused_opset9.onnx', ['fold-batch-norm', 'cross-layer-equalization'], ['BatchNormalization 0']],
];

function halftone(...args) {
  const run = spawnSync(options.halftone, args, {encoding: 'utf8', maxBuffer: 1 << 26});
  if (run.status !== 0) throw new Error(`halftone ${args[0]} ended with ${run.status ?? run.signal}: ${run.stderr.trim()}`);
  return run.stdout;
}

// How many nodes of a type `halftone inspect` counts.
function nodeCount(file, type) {
  const found = new RegExp(`\\b${type}\\b[^\\n0-9]*([0-9]+)`).exec(halftone('inspect', file));
  return found ? Number(found[1]) : 0;
}

const ort = loadOrt(options.modules);
fs.mkdirSync(options.out, {recursive: true});
let failures = 0;
for (const [name, file, passes, expected] of CASES) {
  const folder = path.join(positionals[0], name), original = path.join(folder, file), written = path.join(options.out, 'rewritten.onnx');
  if (!fs.existsSync(original)) {
    console.log(`${name}/${file} is not there`);
    continue;
  }
  const list = ['constant-folding', ...passes, 'remove-dead-code'].map((pass) => `  - ${pass}\n`).join('');
  const pipeline = path.join(options.out, 'rewrite.yaml');
  fs.writeFileSync(pipeline, `halftone: 1\nmodel: ${path.resolve(original)}\npasses:\n${list}export:\n  - {format: onnx-qdq, path: ${path.resolve(written)}}\n`);
  halftone('run', pipeline, '--quiet');
  const meta = JSON.parse(fs.readFileSync(path.join(folder, 'meta.json'), 'utf8'));
  const stored = readNpy(resolveLink(path.join(folder, 'test/x.npy')));
  const samples = Math.min(Number(options.limit), stored.shape[0]), sample = preprocessor(meta, stored.shape);
  const at = (s) => sample(stored.data, s);
  const before = await runModel(ort, original, samples, at), after = await runModel(ort, written, samples, at);
  const noise = Math.max(...after.map((output, i) => compare(output.data, before[i].data, samples).noiseToSignal));
  const json = path.join(options.out, 'figures.json');
  halftone('evaluate', written, '--data', resolveLink(path.join(folder, 'test/x.npy')), '--preprocess', path.join(folder, 'meta.json'),
           '--limit', String(samples), '--against', original, '--json', json, '--quiet');
  const own = Math.max(...JSON.parse(fs.readFileSync(json, 'utf8')).outputs.map((output) => output.noise_to_signal));
  const missing = expected.filter((text) => nodeCount(written, text.split(' ')[0]) !== Number(text.split(' ')[1]));
  const ok = noise < MOST_NOISE && own < MOST_NOISE && missing.length === 0;
  failures += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}/${file}: ${passes.join(', ')}: noise/signal ${noise.toExponential(1)} in ONNX Runtime, ` +
              `${own.toExponential(1)} in Halftone${missing.length ? `; not found: ${missing.join(', ')}` : ''}`);
}

// A recurrent model of two inputs, rows of which belong together.
async function runRows(file, rows) {
  const session = await ort.InferenceSession.create(file, {graphOptimizationLevel: 'disabled', logSeverityLevel: 3});
  const all = [];
  for (const feeds of rows) {
    const results = await session.run(feeds);
    all.push(session.outputNames.map((name) => results[name].data));
  }
  return all;
}

// Rewrites `original` by these passes and compares both files on the rows; the types in `gone` have no node left.
async function checkRows(name, original, passes, rows, gone) {
  const written = path.join(options.out, 'rewritten.onnx'), pipeline = path.join(options.out, 'rewrite.yaml');
  const list = ['constant-folding', ...passes, 'remove-dead-code'].map((pass) => `  - ${pass}\n`).join('');
  fs.writeFileSync(pipeline, `halftone: 1\nmodel: ${path.resolve(original)}\npasses:\n${list}export:\n  - {format: onnx-qdq, path: ${path.resolve(written)}}\n`);
  halftone('run', pipeline, '--quiet');
  const before = await runRows(original, rows), after = await runRows(written, rows);
  const noise = Math.max(...rows.flatMap((_, i) => before[i].map((data, k) => compare(after[i][k], data, 1).noiseToSignal)));
  const left = gone.filter((type) => nodeCount(written, type) !== 0);
  const ok = noise < MOST_NOISE && left.length === 0;
  failures += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}: ${passes.join(', ')}: noise/signal ${noise.toExponential(1)} in ONNX Runtime` +
              `${left.length ? `; still there: ${left.join(', ')}` : ''}`);
}

const silero = path.join(positionals[0], 'silero-vad');
if (fs.existsSync(path.join(silero, 'model.onnx'))) {
  const audio = readNpy(resolveLink(path.join(silero, 'calib/input.npy'))), state = readNpy(resolveLink(path.join(silero, 'calib/state.npy')));
  const rows = Array.from({length: Number(options.limit)}, (_, i) => ({
    input: new ort.Tensor('float32', audio.data.slice(i * 576, (i + 1) * 576), [1, 576]),
    state: new ort.Tensor('float32', state.data.slice(i * 256, (i + 1) * 256), [2, 1, 128]),
  }));
  await checkRows('silero-vad/model.onnx', path.join(silero, 'model.onnx'), ['split-lstm'], rows, ['LSTM']);
}

// What the real models lack: masks, tanh forms, both kinds of recurrent layers.
const made = path.join(options.out, 'made.onnx');
const maker = spawnSync(process.env.PYTHON ?? 'python3', [path.join(import.meta.dirname ?? path.dirname(process.argv[1]), 'made_transformer.py'), made]);
if (maker.status === 0) {
  const rows = [0.7, 0.3].map((step) => ({
    x: new ort.Tensor('float32', Float32Array.from({length: 120}, (_, i) => Math.sin(i * step)), [2, 5, 12]),
  }));
  for (const gelu of ['onnx', 'microsoft']) {
    await checkRows('made_transformer.py', made, [
      'fuse-layer-norm', `fuse-gelu: {operator: ${gelu}}`, 'fuse-mish', 'fuse-skip-layer-norm', 'fuse-attention', 'fuse-matmul-add',
      'split-gru', 'split-lstm'], rows, ['GRU', 'LSTM', 'Softmax', 'ReduceMean', 'Softplus', 'Pow']);
  }
} else {
  console.log('made_transformer.py was not run: it needs a python3 with numpy and onnx (PYTHON=...)');
}
process.exit(failures === 0 ? 0 : 1);
