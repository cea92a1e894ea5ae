// The platform tern-u8: a descriptor, and what it cannot say.
#include <string_view>

#include "descriptor.h"
#include "halftone/platform.hpp"

namespace sdk = halftone::sdk;

namespace tern {

// Winograd tiles are computed for eight output channels at a time. Other convolutions go to the matrix unit, where
// weights have all their 8 bits. A descriptor has conditions on attributes and kernels, not on numbers of channels.
class TernPlatform final : public sdk::Platform {
 public:
  static constexpr const char *kDescriptor = kDescriptorText;

  static void describe(sdk::Description &d) {
    d.id("tern-u8")
        .title("Tern T1, an invented NPU, 8-bit activations")
        .doc("The example of a vendor's platform; see its descriptor.")
        .capabilities(HT_CAP_GRAPH_READ);
  }
  explicit TernPlatform(const sdk::Args &) {}

  void refine(const sdk::Context &ctx, const sdk::Node &node, const sdk::NodeRule &rule) override {
    if (!rule.quantized() || !node.is("Conv")) return;
    ht_slot_rule &weight = rule.inputs()[1];
    if (weight.role != HT_SLOT_WEIGHT || weight.spec.bits != kWinogradBits) return;
    const sdk::Graph graph(ctx);
    const auto stored = graph.initializer(node.input(1));
    if (!stored || stored->shape[0] % kChannelsOfTile == 0) return;
    weight.spec.bits = 8;
    weight.spec.quant_min = -127;
    weight.spec.quant_max = 127;
  }

 private:
  static constexpr std::uint32_t kWinogradBits = 6;
  static constexpr std::int64_t kChannelsOfTile = 8;
};
HALFTONE_PLATFORM(TernPlatform)

}  // namespace tern

HALFTONE_PLUGIN("com.example.tern", "1.0", "Apache-2.0")
