// The engine's fake quantizers as text, so that listing them does not load it. Written by the test unit_fake_quantizers
// with HALFTONE_UPDATE_LISTING set, which compares it otherwise.
#pragma once

namespace halftone::trainer {

inline constexpr char kMethodListing[] =
    R"(  fixed: Quantizes with the config's scale. The gradient of a value is that of its quantized value, and 0 where that is clamped. Source: Bengio, Leonard, Courville 2013, arXiv:1308.3432 (straight-through estimator).
  power-of-two: Moves the config's scale to 2^n at the start, so that hardware rescales by shifts; then as 'fixed'. Source: Jain et al. 2020, arXiv:1903.08066, section 3 (power-of-2 scale factors).
    direction (one of up, nearest, down; default up): where a scale goes that is between two powers of two; 'up' never clips more than before, 'nearest' is nearest in the exponent
  lsq: Learns the step size with the gradient of the rounding. Source: Esser et al. 2020, arXiv:1902.08153.
    bounds (one of value, code; default value): what ends the range: 'value' where x / scale reaches quant_min or quant_max, as in the paper; 'code' where its rounded code is beyond them, as in PyTorch
    gradient_scale (default true): whether gradients of scale and offset are multiplied by 1 / sqrt(N * quant_max), N the elements that share a scale
    initial (one of config, mean; default config): where the scale starts: 'config' at the calibrated one, 'mean' at 2 * mean(|x|) / sqrt(quant_max) of the weight; activations start at the calibrated one only
  lsq-plus: Learns the step size and, of asymmetric points, the zero point. Source: Bhalgat et al. 2020, arXiv:2004.09576.
    bounds (one of value, code; default value): what ends the range: 'value' where x / scale reaches quant_min or quant_max, as in the paper; 'code' where its rounded code is beyond them, as in PyTorch
    gradient_scale (default true): whether gradients of scale and offset are multiplied by 1 / sqrt(N * quant_max), N the elements that share a scale
    initial (one of config, values; default config): where scale and offset start: 'config' at the calibrated ones; 'values' for symmetric weights at max(|mean - 3 sigma|, |mean + 3 sigma|) / 2^(bits - 1), of others where their squared error is least; activations start at the calibrated ones only
  pact: Learns where activations are clipped; the scale follows. Source: Choi et al. 2018, arXiv:1805.06085.
    decay (from 0 to 1000; default 0): weight of the penalty decay * alpha^2 / 2, which the method adds to the loss itself
    alpha (from 0 to 1000000; default 0): where every clipping value starts, in the unit of the tensor; 0: at the calibrated range
  dsq: Rounds, and takes gradients of a differentiable staircase of tanh pieces; learns the scale. Source: Gong et al. 2019, arXiv:1908.05033.
    alpha (from 0.001 to 0.9; default 0.4): how soft the steps are: near 0 they are stairs, near 1 a line
  tqt: Learns log2 of the clipping threshold; scales are always powers of two. Source: Jain et al. 2020, arXiv:1903.08066.
    initial (one of config, deviation; default config): where the threshold starts: 'config' at the calibrated one, 'deviation' at three standard deviations of the weight; activations start at the calibrated one only
  dorefa: Quantizes tanh of the weights, spread over the whole range of the config. Source: Zhou et al. 2016, arXiv:1606.06160.
  adaround: Learns for each weight whether it is rounded up or down. Source: Nagel et al. 2020, arXiv:2004.10568.
  qdrop: While learning, quantizes each element with a probability; learns the scale and, of asymmetric points, the zero point. Source: Wei et al. 2022, arXiv:2203.05740.
    keep (from 0 to 1; default 0.5): probability that an element is quantized while learning; 1: always
    bounds (one of value, code; default value): what ends the range: 'value' where x / scale reaches quant_min or quant_max, as in the paper; 'code' where its rounded code is beyond them, as in PyTorch
    gradient_scale (default true): whether gradients of scale and offset are multiplied by 1 / sqrt(N * quant_max), N the elements that share a scale
)";

}  // namespace halftone::trainer
