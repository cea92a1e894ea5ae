// A platform with code: the descriptor's text, and a condition that the descriptor has no words for.
#include <halftone/platform.hpp>

#include "descriptor_text.h"

namespace sdk = halftone::sdk;

class TemplateName final : public sdk::Platform {
 public:
  static constexpr const char *kDescriptor = descriptor_text;

  // The id must be the descriptor's. A platform reads models and never edits them.
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("a device with 8-bit integers");
    d.doc("Convolutions run on it where their channels fill its unit.").capabilities(HT_CAP_GRAPH_READ);
  }
  explicit TemplateName(const sdk::Args &) {}

  // Asked for every node, with the rule that the descriptor gives it: keep it short, and the same for the same node.
  void refine(const sdk::Context &ctx, const sdk::Node &node, const sdk::NodeRule &rule) override {
    if (!rule.quantized() || !node.is("Conv")) return;
    const auto weight = sdk::Graph(ctx).initializer(node.input(1));
    if (weight && weight->shape[0] % kChannelsAtATime == 0) return;
    rule.keep_in_float(ctx.keep("the device computes four channels at a time"));
  }

 private:
  static constexpr std::int64_t kChannelsAtATime = 4;
};

HALFTONE_PLATFORM(TemplateName)
HALFTONE_PLUGIN("com.example.template-name", "0.1.0", "Apache-2.0")
