// Occurrences of patterns as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/pattern/matcher.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::pattern::test {

// The nodes of each occurrence in the order of the pattern: "relu conv, relu2 conv2"; "" for none.
std::string found(const model::Model &model, std::string_view pattern);

// With the number of its pattern before each: "1: relu conv, 0: relu2".
std::string found_of(const model::Model &model, const std::vector<std::string_view> &patterns,
                     const Accept &accept = {});

// Names with their values in the first occurrence: "x=a t=b,c b="; values that have no name are left out.
std::string bound(const model::Model &model, std::string_view pattern);

// The inner values of the first occurrence.
std::string inner(const model::Model &model, std::string_view pattern);

}  // namespace halftone::pattern::test
