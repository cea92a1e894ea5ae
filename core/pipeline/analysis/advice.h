// Rules for `overrides:` that change one quantizer and nothing else.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/host/context.h"
#include "core/pipeline/override_parts.h"

namespace halftone::pipeline {

class Advice {
 public:
  // The model is kept by reference, as it is now.
  explicit Advice(const host::WorkingModel &working);

  // A rule for each node that has a part in the quantizer of `config`, its own first. `changes` is what the rules set,
  // "bits: 16". An observer is asked by the quantizer alone. Anything else is set in every slot that shares the scale:
  // a reader that were left as it is would quantize the value once more.
  std::string rules(model::Handle config, const std::string &changes) const;

 private:
  const host::WorkingModel &working_;
  const SlotKinds kinds_;
  std::map<model::Handle, std::vector<model::Handle>> shared_;  // by the config that owns the scale, itself left out
};

// A shell pattern that matches this name only, as YAML in quotes.
std::string exact_pattern(const std::string &name);

}  // namespace halftone::pipeline
