// HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix: weights of signal processing. Source: ONNX operators
// of these names, opset 17.
#include <cmath>
#include <numbers>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// The coefficients of a cosine window: a0 - a1 cos(t) + a2 cos(2 t).
struct Hann {
  static constexpr double a0 = 0.5, a1 = 0.5, a2 = 0;
};
struct Hamming {
  static constexpr double a0 = 25.0 / 46.0, a1 = 21.0 / 46.0, a2 = 0;
};
struct Blackman {
  static constexpr double a0 = 0.42, a1 = 0.5, a2 = 0.08;
};

template <typename Form>
class CosineWindow {
 public:
  explicit CosineWindow(const sdk::OpNode &node)
      : type_(dtype_of_onnx(node.integer("output_datatype", 1))), periodic_(node.flag("periodic", true)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(type_, NumericTypes{});
    const std::int64_t size = integers_of(inputs[0]).at(0);
    if (size < 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "the size is negative");
    sdk::set_type(outputs[0], type_, Shape{size});
  }
  void run(sdk::KernelInputs, sdk::KernelOutputs outputs) const {
    const std::int64_t n = count_of(outputs[0]);
    const auto period = static_cast<double>(periodic_ ? n : n - 1);
    dispatch(type_, NumericTypes{}, [&]<typename T>() {
      for (std::int64_t i = 0; i < n; ++i) {
        const double t = n == 1 ? std::numbers::pi : 2 * std::numbers::pi * static_cast<double>(i) / period;
        out_data<T>(outputs[0])[i] = static_cast<T>(Form::a0 - Form::a1 * std::cos(t) + Form::a2 * std::cos(2 * t));
      }
    });
  }

 private:
  ht_dtype type_;
  bool periodic_;
};
using HannWindow = CosineWindow<Hann>;
using HammingWindow = CosineWindow<Hamming>;
using BlackmanWindow = CosineWindow<Blackman>;

// Triangles over the bins of a spectrum, evenly spaced on the mel scale.
class MelWeightMatrix {
 public:
  explicit MelWeightMatrix(const sdk::OpNode &node) : type_(dtype_of_onnx(node.integer("output_datatype", 1))) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(type_, NumericTypes{});
    const std::int64_t bands = integers_of(inputs[0]).at(0), length = integers_of(inputs[1]).at(0);
    if (bands < 1 || length < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "the numbers of bins must be positive");
    sdk::set_type(outputs[0], type_, Shape{length / 2 + 1, bands});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::int64_t bins = outputs[0].shape[0], bands = outputs[0].shape[1];
    const Shape edges = edges_of(inputs, bands);
    dispatch(type_, NumericTypes{}, [&]<typename T>() {
      T *y = out_data<T>(outputs[0]);
      std::fill_n(y, bins * bands, T{});
      const auto put = [&](std::int64_t bin, std::int64_t band, std::int64_t part, std::int64_t whole) {
        if (bin >= 0 && bin < bins)
          y[bin * bands + band] = static_cast<T>(static_cast<double>(part) / static_cast<double>(whole));
      };
      for (std::int64_t b = 0; b < bands; ++b) {
        const auto at = static_cast<std::size_t>(b);
        const std::int64_t low = edges[at], middle = edges[at + 1], high = edges[at + 2];
        if (low == middle) put(middle, b, 1, 1);
        for (std::int64_t k = std::max<std::int64_t>(low, 0); k <= std::min(middle, bins - 1) && low < middle; ++k)
          put(k, b, k - low, middle - low);
        for (std::int64_t k = std::max<std::int64_t>(middle, 0); k < std::min(high, bins); ++k)
          put(k, b, high - k, high - middle);
      }
    });
  }

 private:
  static double number(const ht_tensor_view &t) {
    double out = 0;
    dispatch(t.dtype, NumericTypes{}, [&]<typename T>() { out = static_cast<double>(*in_data<T>(t)); });
    return out;
  }
  // The bins at which triangles begin, peak and end.
  static Shape edges_of(sdk::KernelInputs inputs, std::int64_t bands) {
    const double length = number(inputs[1]), rate = number(inputs[2]);
    const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
    const double low = mel(number(inputs[3])), high = mel(number(inputs[4]));
    if (!(rate > 0) || !std::isfinite(rate) || !std::isfinite(low) || !std::isfinite(high)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "sample_rate must be positive, and both edges finite and above -700 hertz");
    }
    const double step = (high - low) / static_cast<double>(bands + 2);  // as the specification divides
    Shape out;
    for (std::int64_t i = 0; i < bands + 2; ++i) {
      const double hertz = 700 * (std::pow(10.0, (low + static_cast<double>(i) * step) / 2595) - 1);
      const double bin = std::floor((length + 1) * hertz / rate);
      if (!(std::fabs(bin) < 0x1p31)) throw sdk::Failure(HT_INVALID_ARGUMENT, "an edge is too many bins away");
      out.push_back(static_cast<std::int64_t>(bin));
    }
    return out;
  }
  ht_dtype type_;
};

}  // namespace
HALFTONE_OP_KERNEL(HannWindow, "HannWindow", 17, kNewest)
HALFTONE_OP_KERNEL(HammingWindow, "HammingWindow", 17, kNewest)
HALFTONE_OP_KERNEL(BlackmanWindow, "BlackmanWindow", 17, kNewest)
HALFTONE_OP_KERNEL(MelWeightMatrix, "MelWeightMatrix", 17, kNewest)
}  // namespace halftone::reference
