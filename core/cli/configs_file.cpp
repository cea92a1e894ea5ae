#include "core/cli/configs_file.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/file.h"

namespace halftone::cli {

namespace {

using Json = nlohmann::json;

class Checker {
 public:
  explicit Checker(const std::string &file) : file_(file) {}

  void check(const Json &root) const {
    if (!root.is_object()) refuse("it is not a map");
    text(root, "platform", "");
    const Json &operations = list(root, "operations", "");
    for (std::size_t i = 0; i < operations.size(); ++i)
      check_operation(operations[i], fmt::format("operations[{}]", i));
  }

  [[noreturn]] void refuse(const std::string &what) const {
    fail(Status::kDataLoss,
         "'{}' is no file of configs: {}; name one that a run wrote with `configs_out:` or --configs-out", file_, what);
  }

 private:
  void check_operation(const Json &operation, const std::string &place) const {
    if (!operation.is_object()) refuse("`" + place + "` is not a map");
    for (const char *key : {"op", "type"}) text(operation, key, place + ".");
    text_if_given(operation, "reason", place + ".");
    for (const char *direction : {"inputs", "outputs"}) {
      const Json &slots = list(operation, direction, place + ".");
      for (std::size_t i = 0; i < slots.size(); ++i)
        check_slot(slots[i], fmt::format("{}.{}[{}]", place, direction, i));
    }
  }

  void check_slot(const Json &slot, const std::string &place) const {
    if (!slot.is_object()) refuse("`" + place + "` is not a map");
    text(slot, "state", place + ".");
    for (const char *key : {"set_by", "rule", "reason", "master_or_dominator"}) text_if_given(slot, key, place + ".");
    const auto scale = slot.find("scale");
    if (scale == slot.end() || scale->is_null()) return;
    const bool numbers = scale->is_array() && std::ranges::all_of(*scale, &Json::is_number);
    if (!numbers) refuse("`" + place + ".scale` is not a list of numbers");
  }

  void text(const Json &map, const char *key, const std::string &before) const {
    if (!map.contains(key)) refuse("it has no `" + before + key + "`");
    text_if_given(map, key, before);
  }
  void text_if_given(const Json &map, const char *key, const std::string &before) const {
    const auto found = map.find(key);
    if (found != map.end() && !found->is_string()) refuse("`" + before + key + "` is not a text");
  }
  const Json &list(const Json &map, const char *key, const std::string &before) const {
    const auto found = map.find(key);
    if (found == map.end()) refuse("it has no `" + before + key + "`");
    if (!found->is_array()) refuse("`" + before + key + "` is not a list");
    return *found;
  }

  const std::string &file_;
};

}  // namespace

Json read_configs(const std::string &file) {
  const Checker checker(file);
  Json root = Json::parse(read_file(file), nullptr, false);
  if (root.is_discarded()) checker.refuse("it is not JSON");
  checker.check(root);
  return root;
}

}  // namespace halftone::cli
