// The list of methods that `halftone help trainer native` prints is that of the engine, which the plug-in loads only
// when something is trained. With HALFTONE_UPDATE_LISTING set the test writes the list instead of comparing it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include <fmt/core.h>

#include "executors/trainer/fake_quantizer.h"
#include "executors/trainer/method_listing.h"
#include "halftone/status.hpp"

namespace halftone::trainer {
namespace {

std::string number(const ht_value &value) {
  if (value.kind == HT_VALUE_F64) return fmt::format("{}", *static_cast<const double *>(value.data));
  if (value.kind == HT_VALUE_I64) return fmt::format("{}", *static_cast<const std::int64_t *>(value.data));
  if (value.kind == HT_VALUE_FLAG) return *static_cast<const std::int64_t *>(value.data) != 0 ? "true" : "false";
  return std::string(sdk::view(*static_cast<const ht_str *>(value.data)));
}

std::string parameter(const ht_param &p) {
  std::string range;
  if (p.kind == HT_VALUE_CHOICE) {
    for (std::uint32_t i = 0; i < p.choices.count; ++i) {
      range += (i == 0 ? "one of " : ", ") + std::string(sdk::view(static_cast<const ht_str *>(p.choices.data)[i]));
    }
    range += "; ";
  } else if (p.low.kind != HT_VALUE_NONE) {
    range = fmt::format("from {} to {}; ", number(p.low), number(p.high));
  }
  return fmt::format("    {} ({}default {}): {}\n", p.name, range, number(p.deflt), p.doc);
}

std::string listing() {
  std::string text;
  for (const MethodDescription &method : fake_quantizer_methods()) {
    text += fmt::format("  {}: {} Source: {}.\n", method.name, method.doc, method.source);
    for (const ht_param &p : method.parameters) text += parameter(p);
  }
  return text;
}

TEST_CASE("the plug-in lists the methods of its engine") {
  const std::string text = listing();
  if (std::getenv("HALFTONE_UPDATE_LISTING") != nullptr) {
    std::ofstream out(HALFTONE_SOURCE "/executors/trainer/method_listing.h");
    out << "// The engine's fake quantizers as text, so that listing them does not load it. Written by the test "
           "unit_fake_quantizers\n// with HALFTONE_UPDATE_LISTING set, which compares it otherwise.\n#pragma once\n\n"
           "namespace halftone::trainer {\n\ninline constexpr char kMethodListing[] =\n    R\"("
        << text << ")\";\n\n}  // namespace halftone::trainer\n";
    return;
  }
  CHECK(text == kMethodListing);
}

}  // namespace
}  // namespace halftone::trainer
