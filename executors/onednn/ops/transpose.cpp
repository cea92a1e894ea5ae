// Transpose: a reorder from the source, in whatever layout, to row-major.
#include <numeric>

#include "../builder.h"

namespace halftone::onednn {
namespace {

class Transpose final : public NativeOp {
 public:
  explicit Transpose(const sdk::OpNode &node) : permutation_(node.integers("perm")) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], out = node.outputs[0];
    if (!b.is_available(x) || b.shape(x).empty()) return false;
    const std::size_t rank = b.shape(x).size();
    // oneDNN asks where each axis goes, ONNX tells where each comes from.
    std::vector<int> goes_to(rank);
    for (std::size_t i = 0; i < rank; ++i) {
      const std::size_t from = permutation_.empty() ? rank - 1 - i : static_cast<std::size_t>(permutation_[i]);
      goes_to[from] = static_cast<int>(i);
    }
    const Placed source = b.current(x);
    const Placed target{plain_desc(b.shape(out)), b.allocate(plain_desc(b.shape(out)).get_size())};
    b.reorder({source.desc.permute_axes(goes_to), source.buffer}, target);
    b.define(out, target);
    return true;
  }

 private:
  std::vector<std::int64_t> permutation_;
};

const NativeEntry kTranspose("Transpose", &make_native<Transpose>);

}  // namespace
}  // namespace halftone::onednn
