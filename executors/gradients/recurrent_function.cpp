#include "recurrent_function.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/sigmoids.h"

namespace halftone::gradients {
namespace {

std::string lower(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

// What a function has of alpha and beta, and their defaults in ONNX.
struct Parameters {
  const char *name;
  bool has_alpha, has_beta;
  double alpha, beta;
};
constexpr std::array<Parameters, 11> kFunctions = {{{"sigmoid", false, false, 0, 0},
                                                    {"tanh", false, false, 0, 0},
                                                    {"relu", false, false, 0, 0},
                                                    {"affine", true, true, 1, 0},
                                                    {"leakyrelu", true, false, 0.01F, 0},
                                                    {"thresholdedrelu", true, false, 1, 0},
                                                    {"scaledtanh", true, true, 1, 1},
                                                    {"hardsigmoid", true, true, 0.2F, 0.5},
                                                    {"elu", true, false, 1, 0},
                                                    {"softsign", false, false, 0, 0},
                                                    {"softplus", false, false, 0, 0}}};

}  // namespace

RecurrentFunction::RecurrentFunction(std::string name, double alpha, double beta)
    : name_(std::move(name)), alpha_(alpha), beta_(beta) {}

double RecurrentFunction::operator()(double x) const {
  if (name_ == "sigmoid") return sigmoid(x);
  if (name_ == "tanh") return std::tanh(x);
  if (name_ == "relu") return std::max(0.0, x);
  if (name_ == "affine") return alpha_ * x + beta_;
  if (name_ == "leakyrelu") return x >= 0 ? x : alpha_ * x;
  if (name_ == "thresholdedrelu") return x >= alpha_ ? x : 0.0;
  if (name_ == "scaledtanh") return alpha_ * std::tanh(beta_ * x);
  if (name_ == "hardsigmoid") return std::clamp(alpha_ * x + beta_, 0.0, 1.0);
  if (name_ == "elu") return x >= 0 ? x : alpha_ * std::expm1(x);
  if (name_ == "softsign") return x / (1 + std::fabs(x));
  return std::log1p(std::exp(x));
}

double RecurrentFunction::slope(double x) const {
  if (name_ == "sigmoid") return sigmoid(x) * (1 - sigmoid(x));
  if (name_ == "tanh") return 1 - std::tanh(x) * std::tanh(x);
  if (name_ == "relu") return x > 0 ? 1.0 : 0.0;
  if (name_ == "affine") return alpha_;
  if (name_ == "leakyrelu") return x > 0 ? 1.0 : alpha_;
  if (name_ == "thresholdedrelu") return x > alpha_ ? 1.0 : 0.0;
  if (name_ == "scaledtanh") return alpha_ * beta_ * (1 - std::tanh(beta_ * x) * std::tanh(beta_ * x));
  if (name_ == "hardsigmoid") return alpha_ * x + beta_ > 0 && alpha_ * x + beta_ < 1 ? alpha_ : 0.0;
  if (name_ == "elu") return x > 0 ? 1.0 : alpha_ * std::exp(x);
  if (name_ == "softsign") return 1 / ((1 + std::fabs(x)) * (1 + std::fabs(x)));
  return sigmoid(x);
}

std::vector<RecurrentFunction> recurrent_functions(const sdk::OpNode &node, const std::vector<std::string> &defaults,
                                                   std::size_t directions) {
  std::vector<std::string> names = node.texts("activations");
  while (names.size() < defaults.size() * directions) names.push_back(defaults[names.size() % defaults.size()]);
  const std::vector<float> alphas = node.numbers("activation_alpha"), betas = node.numbers("activation_beta");
  std::size_t alpha = 0, beta = 0;  // parameters stand in the order of the functions that have them
  std::vector<RecurrentFunction> out;
  for (const std::string &name : names) {
    const auto known = std::ranges::find_if(kFunctions, [&](const Parameters &one) { return lower(name) == one.name; });
    if (known == kFunctions.end()) throw sdk::Failure(HT_UNIMPLEMENTED, "activation '" + name + "'");
    const bool gives_alpha = known->has_alpha && alpha < alphas.size();
    const bool gives_beta = known->has_beta && beta < betas.size();
    out.emplace_back(lower(name), gives_alpha ? static_cast<double>(alphas[alpha++]) : known->alpha,
                     gives_beta ? static_cast<double>(betas[beta++]) : known->beta);
  }
  return out;
}

}  // namespace halftone::gradients
