// Constant and ConstantOfShape. Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// A tensor of the kernel's own.
struct Stored {
  ht_dtype dtype = HT_F32;
  Shape shape;
  std::vector<std::uint8_t> bytes;

  template <typename T>
  void take(const T *data, std::size_t count, bool scalar) {
    dtype = kDtype<T>;
    if (!scalar) shape = {static_cast<std::int64_t>(count)};
    const auto *from = reinterpret_cast<const std::uint8_t *>(data);
    bytes.assign(from, from + count * sizeof(T));
  }
  void take(const ht_tensor_view &t) {
    dtype = t.dtype;
    shape = shape_copy(t);
    const auto *from = static_cast<const std::uint8_t *>(t.data);
    bytes.assign(from, from + bytes_of(t.dtype, count_of(t)));
  }
};

class Constant {
 public:
  explicit Constant(const sdk::OpNode &node) {
    if (const auto tensor = node.attribute("value")) {
      stored_.take(tensor->t);
    } else if (const auto i = node.attribute("value_int")) {
      stored_.take(&i->i, 1, true);
    } else if (const auto ints = node.attribute("value_ints")) {
      stored_.take(ints->ints.data, ints->ints.size, false);
    } else if (const auto floats = node.attribute("value_floats")) {
      stored_.take(floats->floats, floats->float_count, false);
    } else if (const auto f = node.attribute("value_float")) {
      const auto value = static_cast<float>(f->f);
      stored_.take(&value, 1, true);
    } else {
      throw sdk::Failure(HT_UNIMPLEMENTED, "a constant of texts or a sparse one");
    }
  }
  void infer(sdk::KernelInputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], stored_.dtype, stored_.shape);
  }
  void run(sdk::KernelInputs, sdk::KernelOutputs outputs) const {
    if (!stored_.bytes.empty()) std::memcpy(outputs[0].data, stored_.bytes.data(), stored_.bytes.size());
  }

 private:
  Stored stored_;
};

class ConstantOfShape {
 public:
  explicit ConstantOfShape(const sdk::OpNode &node) {
    const float zero = 0;
    stored_.take(&zero, 1, true);
    if (const auto a = node.attribute("value")) stored_.take(a->t);
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], stored_.dtype, integers_of(inputs[0]));
  }
  void run(sdk::KernelInputs, sdk::KernelOutputs outputs) const {
    fill(stored_.dtype, stored_.bytes.data(), outputs[0].data, count_of(outputs[0]));
  }

 private:
  Stored stored_;
};

}  // namespace
HALFTONE_OP_KERNEL(Constant, "Constant", 1, kNewest)
HALFTONE_OP_KERNEL(ConstantOfShape, "ConstantOfShape", 9, kNewest)
}  // namespace halftone::reference
