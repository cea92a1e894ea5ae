// Fake quantization as nodes of the program.
#pragma once

#include "program.h"

namespace halftone::onednn {

// Which quantizer applies at a slot under the session's mode.
class QuantizerRules {
 public:
  QuantizerRules(const sdk::Context &ctx, const ht_session_options &options)
      : configs_(ctx),
        simulated_(options.mode == HT_MODE_SIMULATED),
        parameters_(simulated_ || options.quantized_weights != 0) {}
  QuantizerPtr at(ht_handle node, std::uint32_t direction, std::uint32_t slot, bool parameter) const;

 private:
  sdk::Configs configs_;
  bool simulated_, parameters_;
};

// value = quantizer(raw)
NodeRecord quantize_node(int raw, int value, const QuantizerPtr &quantizer);

}  // namespace halftone::onednn
