// Patterns of operators in C++, over "ht.pattern/1". Failures throw.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::sdk {

// One occurrence. Its lists live until the running call returns.
class PatternMatch {
 public:
  explicit PatternMatch(const ht_pattern_match &match) : match_(&match) {}
  std::size_t pattern() const { return match_->pattern; }  // which of the texts
  ht_handle graph() const { return match_->graph; }
  ht_handle root() const { return match_->root; }
  std::span<const ht_handle> nodes() const { return span_of(match_->nodes); }
  std::span<const ht_handle> inner() const { return span_of(match_->inner); }
  // What a name stands for; nothing for an optional input that is absent. A name that the text lacks throws.
  std::span<const ht_handle> values(std::string_view name) const {
    for (std::uint64_t i = 0; i < match_->binding_count; ++i) {
      const ht_pattern_binding &binding = binding_at(i);
      if (view(binding.name) == name) return span_of(binding.values);
    }
    throw Failure(HT_INTERNAL, "the pattern has no name '" + std::string(name) + "'");
  }
  // The only value of a name, HT_NONE when it has none.
  ht_handle value(std::string_view name) const {
    const auto all = values(name);
    return all.empty() ? HT_NONE : all.front();
  }

 private:
  const ht_pattern_binding &binding_at(std::uint64_t index) const {
    const char *bytes = reinterpret_cast<const char *>(match_->bindings) + index * match_->bindings->struct_size;
    return *reinterpret_cast<const ht_pattern_binding *>(bytes);
  }
  const ht_pattern_match *match_;
};

class Patterns {
 public:
  explicit Patterns(const Context &ctx) : ctx_(ctx), api_(ctx.host.pattern) {
    if (api_ == nullptr) throw Failure(HT_PERMISSION_DENIED, "the component did not declare HT_CAP_GRAPH_READ");
  }
  // Occurrences in one graph, or in all; see halftone/pattern.h for their order.
  template <typename Texts>
  std::vector<PatternMatch> find(const Texts &texts, ht_handle graph = HT_NONE) const {
    std::vector<ht_str> list;
    for (const auto &text : texts) list.push_back(view(std::string_view(text)));
    const ht_strs all{list.data(), list.size()};
    ht_pattern_matches found{};
    check(api_->find(ctx_.raw, &all, graph, &found));
    std::vector<PatternMatch> matches;
    const auto *bytes = reinterpret_cast<const char *>(found.data);
    for (std::uint64_t i = 0; i < found.size; ++i, bytes += found.data->struct_size) {
      matches.emplace_back(*reinterpret_cast<const ht_pattern_match *>(bytes));
    }
    return matches;
  }
  // A text without comments on one line, for reports.
  std::string one_line(std::string_view text) const {
    const ht_str raw = view(text);
    ht_str line{};
    check(api_->one_line(ctx_.raw, &raw, &line));
    return std::string(view(line));
  }
  // Operators of a pattern that the model has nowhere: "Rleu (did you mean 'Relu'?)".
  std::vector<std::string> missing(std::string_view text) const {
    const ht_str raw = view(text);
    ht_strs list{};
    check(api_->missing(ctx_.raw, &raw, &list));
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < list.size; ++i) names.emplace_back(view(list.data[i]));
    return names;
  }

 private:
  const Context &ctx_;
  const ht_pattern *api_;
};

}  // namespace halftone::sdk
