#include "quantize.h"

#include "builder.h"

namespace halftone::onednn {
namespace {

// Per tensor it works on the bytes in whatever layout they are (padding is zero, and zero stays zero); per channel it
// needs the plain layout. In place where nobody else reads the source.
class FakeQuantize final : public NativeOp {
 public:
  bool build(Builder &b, const NodeRecord &node) const override {
    const int in = node.inputs[0], out = node.outputs[0];
    if (!b.is_available(in)) {
      if (b.dtype(in) == HT_F32 && count_of(b.shape(in)) == 0) return b.alias_plain(in, out), true;
      throw sdk::Failure(HT_UNIMPLEMENTED, "executor onednn quantizes only float32 tensors of at most 12 axes");
    }
    const bool flat = node.quantizer->table.granularity == HT_PER_TENSOR;
    const Placed source = flat ? b.current(in) : b.plain(in);
    const int target = b.writable(node, in, source) ? source.buffer : b.allocate(source.bytes());
    const Shape shape = flat ? Shape{static_cast<std::int64_t>(source.bytes() / sizeof(float))} : b.shape(in);
    b.loop({source.buffer, target},
           [layout = plain_layout(HT_F32, shape), q = node.quantizer, from = source.buffer, target](Run &run) {
             const ht_tensor_view view = layout.view(run.workspace.at(from));
             ht_tensor_view result = layout.view(run.workspace.at(target));
             sdk::check(run.ctx.host.arithmetic->fake_quantize(run.ctx.raw, &q->table, &view, &result));
           });
    b.last_step_quantizes(out);
    b.define(out, {source.desc, target});
    return true;
  }
};

}  // namespace

QuantizerPtr QuantizerRules::at(ht_handle node, std::uint32_t direction, std::uint32_t slot, bool parameter) const {
  if (!simulated_ && !(parameters_ && parameter)) return nullptr;
  const auto quantizer = configs_.quantizer(configs_.find(node, direction, slot));
  return quantizer ? std::make_shared<const Quantizer>(*quantizer) : nullptr;
}

NodeRecord quantize_node(int raw, int value, const QuantizerPtr &quantizer) {
  NodeRecord record;
  record.inputs = {raw};
  record.outputs = {value};
  record.native = std::make_unique<FakeQuantize>();
  record.quantizer = quantizer;
  return record;
}

}  // namespace halftone::onednn
