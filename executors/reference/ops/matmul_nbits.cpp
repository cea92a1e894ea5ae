// MatMulNBits of com.microsoft: A times the transpose of a matrix of 2, 4 or 8-bit codes with one scale per block of a
// row. Source: ONNX Runtime's ContribOperators.md.
#include "ops/product.h"
#include "ops/reals.h"

namespace halftone::reference {
namespace {

class MatMulNBits {
 public:
  explicit MatMulNBits(const sdk::OpNode &node)
      : k_(node.integer("K", 0)),
        n_(node.integer("N", 0)),
        bits_(node.integer("bits", 4)),
        block_(node.integer("block_size", 32)) {
    if (bits_ != 2 && bits_ != 4 && bits_ != 8) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "codes of " + std::to_string(bits_) + " bits");
    }
    constexpr std::int64_t kMost = std::int64_t{1} << 30;  // so that no product below leaves 64 bits
    if (k_ < 1 || n_ < 1 || k_ > kMost || n_ > kMost) throw sdk::Failure(HT_INVALID_ARGUMENT, "K or N is out of range");
    if (block_ < 16 || block_ > kMost || (block_ & (block_ - 1)) != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "block_size " + std::to_string(block_) + " is no power of two from 16 on");
    }
    if (node.has_input(4)) throw sdk::Failure(HT_UNIMPLEMENTED, "g_idx");
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[1].dtype != HT_U8) unsupported_type(inputs[1].dtype);
    Shape shape = shape_copy(inputs[0]);
    if (shape.empty() || shape.back() != k_ || count_of(inputs[1]) != n_ * blocks() * blob() ||
        count_of(inputs[2]) != n_ * blocks()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of A, B and scales do not fit K, N and block_size");
    }
    shape.back() = n_;
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::vector<double> a = reals_of(inputs[0]), b = weights(inputs), bias = reals_or(inputs, 5, n_, 0.0);
    const std::int64_t rows = count_of(inputs[0]) / k_;
    std::vector<double> y(static_cast<std::size_t>(rows * n_));
    product(a.data(), b.data(), y.data(), rows, n_, k_);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += bias[i % bias.size()];
    store_reals(y, outputs[0]);
  }

 private:
  std::int64_t blocks() const { return (k_ + block_ - 1) / block_; }
  std::int64_t blob() const { return block_ * bits_ / 8; }
  // Code `i` of a packed row, the low bits of a byte first.
  double code(const std::uint8_t *row, std::int64_t i) const {
    const std::int64_t per_byte = 8 / bits_;
    return (row[i / per_byte] >> (i % per_byte * bits_)) & ((1 << bits_) - 1);
  }
  // Codes of 8 bits stand around 128, of 4 around 8, of 2 around 2, where no zero points are given; these are packed
  // like codes, or numbers of A's type.
  std::vector<double> zeros(sdk::KernelInputs inputs) const {
    const auto count = static_cast<std::size_t>(n_ * blocks());
    if (!sdk::present(inputs, 3)) return std::vector<double>(count, static_cast<double>(1 << (bits_ - 1)));
    if (inputs[3].dtype != HT_U8) return reals_or(inputs, 3, n_ * blocks(), 0.0);
    const std::int64_t pitch = (blocks() * bits_ + 7) / 8;
    if (count_of(inputs[3]) != n_ * pitch) throw sdk::Failure(HT_INVALID_ARGUMENT, "zero_points has the wrong size");
    std::vector<double> out;
    for (std::int64_t i = 0; i < n_ * blocks(); ++i) {
      out.push_back(code(in_data<std::uint8_t>(inputs[3]) + i / blocks() * pitch, i % blocks()));
    }
    return out;
  }
  // The real weights, K rows of N.
  std::vector<double> weights(sdk::KernelInputs inputs) const {
    const std::vector<double> scale = reals_of(inputs[2]), zero = zeros(inputs);
    std::vector<double> out(static_cast<std::size_t>(k_ * n_));
    for (std::int64_t j = 0; j < n_; ++j) {
      const std::uint8_t *row = in_data<std::uint8_t>(inputs[1]) + j * blocks() * blob();
      for (std::int64_t i = 0; i < k_; ++i) {
        const auto block = static_cast<std::size_t>(j * blocks() + i / block_);
        out[static_cast<std::size_t>(i * n_ + j)] = (code(row, i) - zero[block]) * scale[block];
      }
    }
    return out;
  }
  std::int64_t k_, n_, bits_, block_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", MatMulNBits, "MatMulNBits", 1, 1)
}  // namespace halftone::reference
