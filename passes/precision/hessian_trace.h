// The trace of the Hessian of each weight, by Hutchinson's estimator.
#pragma once

#include <cstdint>
#include <vector>

#include "loss_curvature.h"

namespace halftone::passes {

struct CurvatureRule {
  std::uint64_t most = 64;  // probes, or steps of a power iteration
  double tolerance = 0.02;
  std::uint64_t seed = 0;
};

struct WeightCurvature {
  double value = 0;           // the trace, or the largest eigenvalue
  double standard_error = 0;  // of a trace
  std::uint64_t probes = 0;   // or steps
};

// Two ways. Where the loss is taken by its outputs, a probe is a random direction there (output_probe.h), and the
// squared norm of a weight's gradient has the trace of its own block of H as its mean. Else all weights are displaced
// at once, each along +1 or -1 times its step, at random; with v of a weight its part of the displacement, v * (H v)
// has that mean, as what other weights add has the mean 0. One or two gradients of the data for each probe, whatever
// the number of weights. It ends when the standard error of the sum over weights of trace * step^2 is at most
// `tolerance` of that sum.
std::vector<WeightCurvature> hessian_traces(const sdk::Context &ctx, const LossCurvature &loss,
                                            const CurvatureRule &rule);

// The largest eigenvalue by magnitude of each weight's own block of H, by power iteration from a random start; ends for
// a weight when a step changes its value by at most `tolerance` of it.
std::vector<WeightCurvature> hessian_eigenvalues(const sdk::Context &ctx, const LossCurvature &loss,
                                                 const CurvatureRule &rule);

}  // namespace halftone::passes
