// Which values are a constant that one number describes.
#pragma once

#include <optional>
#include <unordered_map>

#include "core/model/model.h"

namespace halftone::pattern {

class Constants {
 public:
  explicit Constants(const model::Model &model) : model_(model) {}
  // An initializer or the output of a Constant node, each of whose entries equals the number (equals() of
  // attribute_test.h).
  bool is(model::Handle value, double number);

 private:
  struct Range {
    double low, high;
    bool integer;
  };
  std::optional<Range> range_of(model::Handle value) const;

  const model::Model &model_;
  std::unordered_map<model::Handle, std::optional<Range>> seen_;  // a large tensor is read once
};

}  // namespace halftone::pattern
