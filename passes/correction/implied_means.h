// Means of layers' inputs that follow from batch normalization, without data.
#pragma once

#include <vector>

#include "layers.h"

namespace halftone::passes {

// max(low, min(high, X)) of a normal X.
struct ClippedNormal {
  double center = 0, deviation = 0, low = 0, high = 0;  // infinite limits cut nothing
  double mean() const;
  double variance() const;
};

// Means of the input channels of each layer; empty where what makes the input has no statistics that can be followed.
//
// fold-batch-norm leaves mean and deviation of each channel with the layer that it folds into. From there: Relu, Clip,
// and Min and Max with stored limits clip a normal distribution (M. Nagel et al. 2019, appendix C), LeakyRelu and PRelu
// add their negative part, means over positions and slices of them keep the mean, Concat and Pad with zeros join
// channels, and Add, Sub and Sum take their inputs as independent and the result as normal.
std::vector<std::vector<double>> implied_means(const sdk::Context &ctx, const std::vector<Layer> &layers);

}  // namespace halftone::passes
