// The run's fusions in C++, over "ht.fusion/1". Failures throw.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/fusion.h"
#include "halftone/graph.hpp"

namespace halftone::sdk {

class Fusions {
 public:
  explicit Fusions(const Context &ctx) : ctx_(ctx), api_(ctx.host.find<ht_fusion>(HT_FUSION_1)) {
    if (api_ == nullptr) throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_GRAPH_READ");
  }
  // In the order in which they are tried.
  std::vector<std::string> names() const {
    ht_strs list{};
    check(api_->names(ctx_.raw, &list));
    return texts(list);
  }
  // Finds and notes places; one line for each name, for a report. Needs HT_CAP_GRAPH_EDIT.
  std::vector<std::string> find() const {
    ht_strs list{};
    check(api_->find(ctx_.raw, &list));
    return texts(list);
  }
  // Roots of the places of a fusion.
  std::vector<ht_handle> places(std::string_view name) const {
    const ht_str n = view(name);
    ht_handles roots{};
    check(api_->places(ctx_.raw, &n, &roots));
    return handles(roots);
  }
  // The nodes of the place that has this root.
  std::vector<ht_handle> nodes(ht_handle root) const {
    ht_handles list{};
    check(api_->nodes(ctx_.raw, root, &list));
    return handles(list);
  }
  // What a name of the pattern stands for in the place; HT_NONE where it is absent.
  ht_handle value(ht_handle root, std::string_view name) const {
    const ht_str n = view(name);
    ht_handle found = HT_NONE;
    check(api_->value(ctx_.raw, root, &n, &found));
    return found;
  }
  // Configs to which no pass may give another scale.
  std::vector<ht_handle> pinned() const {
    ht_handles list{};
    check(api_->pinned(ctx_.raw, &list));
    return handles(list);
  }
  // Groups of configs that are to have one scale.
  std::vector<std::vector<ht_handle>> shares() const {
    ht_handles list{};
    check(api_->shares(ctx_.raw, &list));
    std::vector<std::vector<ht_handle>> groups(1);
    for (const ht_handle config : span_of(list)) {
      if (config == HT_NONE) {
        groups.emplace_back();
      } else {
        groups.back().push_back(config);
      }
    }
    groups.pop_back();
    return groups;
  }
  // Puts the form HT_FUSION_* into a place; nothing where the fusion has none. Needs HT_CAP_GRAPH_EDIT.
  std::vector<ht_handle> replace(ht_handle root, std::uint32_t form) const {
    ht_handles made{};
    check(api_->replace(ctx_.raw, root, form, &made));
    return handles(made);
  }

 private:
  static std::vector<ht_handle> handles(ht_handles list) {
    std::vector<ht_handle> out(static_cast<std::size_t>(list.size));
    std::copy_n(list.data, out.size(), out.begin());
    return out;
  }
  static std::vector<std::string> texts(ht_strs list) {
    std::vector<std::string> out;
    for (std::uint64_t i = 0; i < list.size; ++i) out.emplace_back(view(list.data[i]));
    return out;
  }
  const Context &ctx_;
  const ht_fusion *api_;
};

}  // namespace halftone::sdk
