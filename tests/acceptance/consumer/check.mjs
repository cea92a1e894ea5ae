// Exports models with `halftone quantize` and runs the files in ONNX Runtime.
//
// Without graph optimization the Q/DQ nodes run in float: this shows what the file means. ONNX Runtime and `halftone evaluate`
// must agree on the same file: on the largest class of each sample, and on the outputs. Sums in another order now and then round
// to the neighbouring code, and a model can amplify that until another class wins. How often is measured: ONNX Runtime runs the
// file a second time with its optimized float kernels, which sum in another order, and where it disagrees with itself Halftone may
// disagree twice as much, up to a limit; the table says where that was needed.
//
// With graph optimization the integer kernels run. On x86 processors without VNNI they add pairs of products in 16 bits that
// saturate, so a file for `cpu: avx2` must compute the same there as without optimization.
//   node check.mjs --halftone BIN --modules DIR --out DIR [--platform NAME ...] [--limit N] MODEL_FOLDER ...
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';

import {compare, top1} from './figures.mjs';
import {readNpy, resolveLink, writeNpy} from './npy.mjs';
import {loadOrt, runModel} from './ort.mjs';
import {preprocessor} from './preprocess.mjs';

const MOST_DISAGREEMENT = 0.005;  // share of samples with another class
const MOST_NOISE = 1e-3;          // of one side's outputs against the other's
const EXCUSED_DISAGREEMENT = 0.03, EXCUSED_NOISE = 3e-3;  // where ONNX Runtime is no surer of itself
const OTHER_ORDER = {graphOptimizationLevel: 'all', extra: {session: {disable_quant_qdq: '1'}}};
// With the integer kernels: of the outputs against those without them, and of the growth of the distance from the float model.
// Saturation costs 0.03 to 0.07.
const MOST_KERNEL_NOISE = 2e-3;
const MOST_GROWTH = 1.1;

const {values: options, positionals: folders} = parseArgs({
  allowPositionals: true,
  options: {
    halftone: {type: 'string'},
    modules: {type: 'string'},
    out: {type: 'string'},
    platform: {type: 'string', multiple: true, default: ['onnxruntime-int8', 'tensorrt-int8']},
    limit: {type: 'string', default: '0'},
  },
});
if (!options.halftone || !options.modules || !options.out || folders.length === 0) {
  console.error('usage: check.mjs --halftone BIN --modules DIR --out DIR [--platform NAME ...] [--limit N] MODEL_FOLDER ...');
  process.exit(2);
}

function halftone(...args) {
  const run = spawnSync(options.halftone, args, {encoding: 'utf8', maxBuffer: 1 << 26});
  if (run.status !== 0) throw new Error(`halftone ${args[0]} ended with ${run.status ?? run.signal}: ${run.stderr.trim()}`);
  return run.stdout;
}

// What a model folder holds; null for models whose samples are not one array of pictures.
function modelOf(folder) {
  const meta = JSON.parse(fs.readFileSync(path.join(folder, 'meta.json'), 'utf8'));
  const file = (name) => path.join(folder, name);
  if (meta.scale === undefined || !['calib/x.npy', 'test/x.npy'].every((name) => fs.existsSync(file(name)))) return null;
  const labels = fs.existsSync(file('test/y.npy')) ? resolveLink(file('test/y.npy')) : null;
  return {
    name: path.basename(path.resolve(folder)), meta, labels,
    onnx: file('model.onnx'), metaFile: file('meta.json'),
    calibration: resolveLink(file('calib/x.npy')), test: resolveLink(file('test/x.npy')),
  };
}

// Compares Halftone's outputs of the file with `theirs`, ONNX Runtime's.
function compareOutputs(model, quantized, theirs, samples, out) {
  const folder = path.join(out, 'outputs');
  const figuresFile = path.join(out, 'figures.json');
  halftone('evaluate', quantized, '--data', model.test, '--preprocess', model.metaFile, '--limit', String(samples),
           '--outputs-npy', folder, '--json', figuresFile, '--quiet');
  const files = JSON.parse(fs.readFileSync(figuresFile, 'utf8')).written;  // in the order of the outputs
  const each = theirs.map((output, i) => compare(readNpy(files[i]).data, output.data, samples));
  return {
    noise: Math.max(...each.map((r) => r.noiseToSignal)),
    agreement: each[0].agreement,
  };
}

async function prepare(ort, model) {
  const stored = readNpy(model.test);
  const limit = Number(options.limit);
  model.samples = limit > 0 ? Math.min(limit, stored.shape[0]) : stored.shape[0];
  const sample = preprocessor(model.meta, stored.shape);
  model.sampleAt = (s) => sample(stored.data, s);
  model.float = await runModel(ort, model.onnx, model.samples, model.sampleAt);
}

function quantize(model, out, ...platform) {
  fs.mkdirSync(out, {recursive: true});
  const quantized = path.join(out, 'model.int8.onnx');
  halftone('quantize', model.onnx, '--platform', ...platform, '--calibration', model.calibration, '--preprocess', model.metaFile,
           '-o', quantized, '--quiet');
  return quantized;
}

async function check(ort, model, platform) {
  const out = path.join(options.out, model.name, platform);
  const quantized = quantize(model, out, platform);
  const {samples, sampleAt} = model;
  const theirs = await runModel(ort, quantized, samples, sampleAt);
  theirs.forEach((output, i) => writeNpy(path.join(out, `ort_${i}.npy`), output.shape, output.data));
  const {noise, agreement} = compareOutputs(model, quantized, theirs, samples, out);
  const again = await runModel(ort, quantized, samples, sampleAt, OTHER_ORDER);
  const itself = compare(again[0].data, theirs[0].data, samples).agreement;
  const ownNoise = Math.max(...again.map((output, i) => compare(output.data, theirs[i].data, samples).noiseToSignal));
  const disagreement = model.labels ? 1 - agreement : 0;
  const strict = noise < MOST_NOISE && disagreement <= MOST_DISAGREEMENT;
  const excused = noise < Math.max(MOST_NOISE, Math.min(2 * ownNoise, EXCUSED_NOISE)) &&
      disagreement <= Math.max(MOST_DISAGREEMENT, Math.min(2 * (1 - itself), EXCUSED_DISAGREEMENT));
  return {
    model: model.name, platform, samples, noise, ownNoise,
    agreement: model.labels ? agreement : null, itself: model.labels ? itself : null,
    accuracy: model.labels ? top1(theirs[0].data, readNpy(model.labels).data, samples) : null,
    verdict: strict ? 'ok' : excused ? 'ok, as itself' : 'FAILED',
  };
}

// The file for processors without VNNI, in the integer kernels of this one.
async function checkKernels(ort, model) {
  const quantized = quantize(model, path.join(options.out, model.name, 'kernels'), 'onnxruntime-int8', '--platform-setting', 'cpu=avx2');
  const {samples, sampleAt} = model;
  const plain = await runModel(ort, quantized, samples, sampleAt);
  const fast = await runModel(ort, quantized, samples, sampleAt, {graphOptimizationLevel: 'all'});
  const noise = (a, b) => Math.max(...a.map((output, i) => compare(output.data, b[i].data, samples).noiseToSignal));
  const kernels = noise(fast, plain), meant = noise(plain, model.float), got = noise(fast, model.float);
  return {kernels, meant, got, ok: kernels < MOST_KERNEL_NOISE && got < MOST_GROWTH * meant + MOST_NOISE};
}

const percent = (fraction) => (fraction === null ? '-' : `${(100 * fraction).toFixed(2)} %`);
const line = (cells) => console.log(cells.map((cell, i) => String(cell).padEnd([26, 18, 9, 11, 12, 12, 14, 12, 0][i])).join('').trimEnd());

const ort = loadOrt(options.modules);
let passed = 0, excused = 0, failed = 0, skipped = 0;
line(['model', 'platform', 'samples', 'ORT top-1', 'same top-1', 'ORT itself', 'noise/signal', 'ORT itself', '']);
for (const folder of folders) {
  const model = modelOf(folder);
  if (!model) {
    console.log(`${path.basename(folder)}: skipped, its samples are not one array of pictures`);
    ++skipped;
    continue;
  }
  const attempt = async (platform, run) => {
    try {
      if (!model.samples) await prepare(ort, model);
      (await run()) ? ++passed : ++failed;
    } catch (error) {
      line([model.name, platform, '-', '-', '-', '-', '-', '-', 'FAILED']);
      console.log(`  ${error.message}`);
      ++failed;
    }
  };
  for (const platform of options.platform) {
    await attempt(platform, async () => {
      const r = await check(ort, model, platform);
      line([r.model, r.platform, r.samples, percent(r.accuracy), percent(r.agreement), percent(r.itself), r.noise.toExponential(2), r.ownNoise.toExponential(2), r.verdict]);
      if (r.verdict === 'ok, as itself') ++excused;
      return r.verdict !== 'FAILED';
    });
  }
  await attempt('cpu: avx2', async () => {
    const r = await checkKernels(ort, model);
    console.log(`${model.name.padEnd(26)}${'cpu: avx2'.padEnd(18)}integer kernels against Q/DQ in float ${r.kernels.toExponential(2)}; ` +
                `against the float model ${r.got.toExponential(2)} and ${r.meant.toExponential(2)}  ${r.ok ? 'ok' : 'FAILED'}`);
    return r.ok;
  });
}
console.log(`consumer: ${passed} passed (${excused} as ONNX Runtime itself), ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
