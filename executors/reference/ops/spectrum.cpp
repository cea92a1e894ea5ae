// DFT and STFT. Complex numbers are pairs along the last axis. Source: ONNX operators of these names, opset 17 and 20.
#include "halftone/op_kernel.hpp"
#include "ops/fourier.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using Signal = std::vector<std::complex<double>>;

void require_signal(const ht_tensor_view &x) {
  require_type(x.dtype, FloatTypes{});
  if (x.rank < 2 || (x.shape[x.rank - 1] != 1 && x.shape[x.rank - 1] != 2)) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "the last axis must hold 1 (real) or 2 (complex) numbers");
  }
}

// `count` numbers, `step` numbers apart, from the number `start`.
template <typename T>
Signal signal_of(const ht_tensor_view &x, std::int64_t start, std::int64_t step, std::int64_t count) {
  const std::int64_t parts = x.shape[x.rank - 1];
  Signal out;
  for (std::int64_t i = 0; i < count; ++i) {
    const T *at = in_data<T>(x) + (start + i * step) * parts;
    out.emplace_back(static_cast<double>(at[0]), parts == 2 ? static_cast<double>(at[1]) : 0.0);
  }
  return out;
}

class Dft {
 public:
  explicit Dft(const sdk::OpNode &node)
      : onesided_(node.flag("onesided", false)),
        inverse_(node.flag("inverse", false)),
        axis_(node.integer("axis", 1)),
        axis_is_input_(node.opset() >= 20) {
    if (onesided_ && inverse_) throw sdk::Failure(HT_INVALID_ARGUMENT, "onesided and inverse exclude each other");
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_signal(inputs[0]);
    const std::size_t axis = axis_at(inputs);
    Shape shape = shape_copy(inputs[0]);
    const std::int64_t length = length_of(inputs, axis);
    shape[axis] = onesided_ ? length / 2 + 1 : length;
    shape.back() = 2;
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::size_t axis = axis_at(inputs);
    const ShapeSpan shape = shape_of(inputs[0]);
    const Fourier fourier(length_of(inputs, axis), inverse_);
    const std::int64_t n = shape[axis], bins = outputs[0].shape[axis];
    const std::int64_t outer = count_of(shape, 0, axis), inner = count_of(shape, axis + 1, shape.size() - 1);
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      for (std::int64_t r = 0; r < outer * inner; ++r) {
        const Signal signal = signal_of<T>(inputs[0], r / inner * n * inner + r % inner, inner, n);
        for (std::int64_t k = 0; k < bins; ++k) {
          const std::complex<double> value = fourier.coefficient(signal, k);
          T *to = out_data<T>(outputs[0]) + 2 * ((r / inner * bins + k) * inner + r % inner);
          to[0] = static_cast<T>(value.real());
          to[1] = static_cast<T>(value.imag());
        }
      }
    });
  }

 private:
  std::size_t axis_at(sdk::KernelInputs inputs) const {
    std::int64_t axis = axis_;
    if (axis_is_input_) axis = sdk::present(inputs, 2) ? integers_of(inputs[2]).at(0) : -2;
    const std::size_t at = axis_of(axis, inputs[0].rank);
    if (at + 1 == inputs[0].rank) throw sdk::Failure(HT_INVALID_ARGUMENT, "the last axis is that of the complex parts");
    return at;
  }
  static std::int64_t length_of(sdk::KernelInputs inputs, std::size_t axis) {
    const std::int64_t n = sdk::present(inputs, 1) ? integers_of(inputs[1]).at(0) : inputs[0].shape[axis];
    if (n < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "dft_length must be at least 1");
    return n;
  }
  bool onesided_, inverse_;
  std::int64_t axis_;
  bool axis_is_input_;
};

class Stft {
 public:
  explicit Stft(const sdk::OpNode &node) : onesided_(node.flag("onesided", true)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_signal(inputs[0]);
    if (inputs[0].rank != 3) throw sdk::Failure(HT_INVALID_ARGUMENT, "the signal must have three axes");
    const std::int64_t length = length_of(inputs), step = integers_of(inputs[1]).at(0);
    if (step < 1 || length < 1 || length > inputs[0].shape[1]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "frames must advance, and be no longer than the signal");
    }
    if (sdk::present(inputs, 2) && count_of(inputs[2]) != length) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the window is not as long as a frame");
    }
    const std::int64_t frames = (inputs[0].shape[1] - length) / step + 1;
    sdk::set_type(outputs[0], inputs[0].dtype,
                  Shape{inputs[0].shape[0], frames, onesided_ ? length / 2 + 1 : length, 2});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::int64_t length = length_of(inputs), step = integers_of(inputs[1]).at(0);
    const std::int64_t frames = outputs[0].shape[1], bins = outputs[0].shape[2];
    const Fourier fourier(length, false);
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      for (std::int64_t f = 0; f < inputs[0].shape[0] * frames; ++f) {
        Signal signal = signal_of<T>(inputs[0], f / frames * inputs[0].shape[1] + f % frames * step, 1, length);
        for (std::int64_t i = 0; i < length && sdk::present(inputs, 2); ++i) {
          signal[static_cast<std::size_t>(i)] *= static_cast<double>(in_data<T>(inputs[2])[i]);
        }
        for (std::int64_t k = 0; k < bins; ++k) {
          const std::complex<double> value = fourier.coefficient(signal, k);
          out_data<T>(outputs[0])[2 * (f * bins + k)] = static_cast<T>(value.real());
          out_data<T>(outputs[0])[2 * (f * bins + k) + 1] = static_cast<T>(value.imag());
        }
      }
    });
  }

 private:
  static std::int64_t length_of(sdk::KernelInputs inputs) {
    if (sdk::present(inputs, 3)) return integers_of(inputs[3]).at(0);
    return sdk::present(inputs, 2) ? count_of(inputs[2]) : inputs[0].shape[1];
  }
  bool onesided_;
};

}  // namespace
HALFTONE_OP_KERNEL(Dft, "DFT", 17, kNewest)
HALFTONE_OP_KERNEL(Stft, "STFT", 17, kNewest)
}  // namespace halftone::reference
