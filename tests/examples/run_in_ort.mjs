// Runs a file in ONNX Runtime without optimizations, as it is written: node run_in_ort.mjs MODULES MODEL.onnx X.npy Y.npy
import {readNpy, writeNpy} from '../acceptance/consumer/npy.mjs';
import {loadOrt, runModel} from '../acceptance/consumer/ort.mjs';

const [modules, model, from, to] = process.argv.slice(2);
const {shape, data} = readNpy(from);
const size = shape.slice(1).reduce((a, b) => a * b, 1);
const [output] = await runModel(loadOrt(modules), model, shape[0],
                                (s) => ({data: data.subarray(s * size, (s + 1) * size), dims: [1, ...shape.slice(1)]}));
writeNpy(to, output.shape, output.data);
