#include "core/pattern/pattern_setting.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/pattern/pattern.h"

namespace halftone::pattern {
namespace {

// YAML ends a text that stands in a list of brackets without quotes at its first comma.
std::string_view hint(std::string_view text) {
  const bool cut = std::ranges::count(text, '(') != std::ranges::count(text, ')');
  return cut ? ". In a YAML list of brackets a pattern needs quotes" : "";
}

}  // namespace

void check_setting(const Setting &setting, std::string_view what, Use use) {
  try {
    (void)(use == Use::kFusion ? parse_fusion(setting.text) : parse(setting.text));
  } catch (const Error &error) {
    const bool placed = !setting.where.file.empty() || setting.where.line != 0;
    fail(Status::kInvalidArgument, "{}{}: {}{}", placed ? setting.where.text() + ": " : "", what, error.message(),
         hint(setting.text));
  }
}

}  // namespace halftone::pattern
