// MaxPool, AveragePool and their global forms.
#include <algorithm>

#include "window.h"

namespace halftone::onednn {
namespace {

void add_pooling(Builder &b, const NodeRecord &node, api::algorithm algorithm, const api::Window &window) {
  const int x = node.inputs[0], out = node.outputs[0];
  const Placed source = b.current(x);
  const api::Pooling::primitive_desc pd =
      api::pooling(b.engine(), plain_attributes(), algorithm, source.desc, any_desc(b.shape(out)), window);
  const Placed target{pd.dst_desc(), b.allocate(pd.dst_desc().get_size())};
  b.primitive(api::Pooling(pd), pd,
              {{DNNL_ARG_SRC, source.desc, source.buffer}, {DNNL_ARG_DST, target.desc, target.buffer}});
  b.define(out, target);
}

bool poolable(const Builder &b, const NodeRecord &node) {
  const int x = node.inputs[0];
  const std::size_t outputs = node.outputs.size();
  return b.is_available(x) && b.shape(x).size() >= 3 && b.shape(x).size() <= 5 &&
         (outputs == 1 || !b.is_read(node.outputs[1]));
}

class Pool final : public NativeOp {
 public:
  explicit Pool(const sdk::OpNode &node)
      : window_(node),
        maximum_(node.node().op_type() == "MaxPool"),
        with_padding_(node.flag("count_include_pad", false)),
        ceil_(node.flag("ceil_mode", false)) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    if (!poolable(b, node) || (ceil_ && with_padding_)) return false;
    const auto window =
        window_.resolve(window_.kernel(), spatial(b.shape(node.inputs[0])), spatial(b.shape(node.outputs[0])));
    if (!window) return false;
    add_pooling(b, node,
                maximum_        ? api::algorithm::pooling_max
                : with_padding_ ? api::algorithm::pooling_avg_include_padding
                                : api::algorithm::pooling_avg_exclude_padding,
                *window);
    return true;
  }

 private:
  WindowAttributes window_;
  bool maximum_, with_padding_, ceil_;
};

class GlobalPool final : public NativeOp {
 public:
  explicit GlobalPool(const sdk::OpNode &node) : maximum_(node.node().op_type() == "GlobalMaxPool") {}

  bool build(Builder &b, const NodeRecord &node) const override {
    if (!poolable(b, node)) return false;
    const Shape kernel = spatial(b.shape(node.inputs[0]));
    const Dims zero(kernel.size(), 0);
    add_pooling(b, node, maximum_ ? api::algorithm::pooling_max : api::algorithm::pooling_avg_exclude_padding,
                {kernel, Dims(kernel.size(), 1), zero, zero, zero});
    return true;
  }

 private:
  bool maximum_;
};

const NativeEntry kMaxPool("MaxPool", &make_native<Pool>);
const NativeEntry kAveragePool("AveragePool", &make_native<Pool>);
const NativeEntry kGlobalAveragePool("GlobalAveragePool", &make_native<GlobalPool>);
const NativeEntry kGlobalMaxPool("GlobalMaxPool", &make_native<GlobalPool>);

}  // namespace
}  // namespace halftone::onednn
