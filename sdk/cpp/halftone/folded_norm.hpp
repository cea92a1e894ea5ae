// Notes of passes to later passes on normalizations that were folded into layers: folding a BatchNormalization leaves
// one, so that training can take the normalization up again.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "halftone/content_digest.hpp"
#include "halftone/graph.hpp"
#include "halftone/stored_tensor.hpp"
#include "halftone/trainer.h"
#include "halftone/weight_channels.hpp"

namespace halftone::sdk {

// BatchNormalization as it was before it was folded; one element per output channel of the layer.
struct FoldedNorm {
  std::vector<float> gamma, beta, mean, variance;
  float epsilon = 1e-5F;
  float momentum = 0.9F;      // weight of the old statistics, as in ONNX
  std::vector<float> weight;  // not folded, in the shape of the stored one; empty: the stored one divided by s
};

// A factor s = gamma / sqrt(variance + epsilon) below this cannot be divided out again: products of activations with a
// weight that was multiplied by it may leave the normal range of float32, which ends at 2^-126.
inline constexpr double kLeastFoldFactor = 0x1p-60;

inline double fold_factor(const FoldedNorm &norm, std::size_t channel) {
  return double{norm.gamma[channel]} / std::sqrt(double{norm.variance[channel]} + double{norm.epsilon});
}
inline bool can_be_divided_out(double factor) {
  return std::fabs(factor) >= kLeastFoldFactor;
}

namespace detail {

// Entry of the model's metadata; empty for a layer in a subgraph, whose values may have a name twice.
inline std::string folded_key(const Graph &graph, const Node &layer) {
  if (layer.graph() != graph.main()) return {};
  return HT_NOTE_PREFIX "folded-norm/" + std::string(graph.value(layer.output(0)).name());
}

// Of what the layer stores as weight and bias: a note is of these bytes and no others.
inline std::uint64_t digest_of_layer(const ht_tensor_view &weight, const ht_tensor_view &bias) {
  ContentDigest digest;
  for (const ht_tensor_view *tensor : {&weight, &bias}) {
    digest.add(std::as_bytes(
        std::span(static_cast<const float *>(tensor->data), static_cast<std::size_t>(count_of(*tensor)))));
  }
  return digest.value();
}

struct FoldedLayer {
  ht_tensor_view weight, bias;
  WeightChannels channels;
};

// Nothing where the layer does not store a weight and a bias of float32, one element of it per channel.
inline std::optional<FoldedLayer> folded_layer(const Graph &graph, const Node &layer) {
  if (layer.inputs().size() < 3 || layer.input(1) == HT_NONE || layer.input(2) == HT_NONE) return std::nullopt;
  const auto weight = graph.initializer(layer.input(1)), bias = graph.initializer(layer.input(2));
  if (!weight || !bias || weight->dtype != HT_F32 || bias->dtype != HT_F32) return std::nullopt;
  const auto channels = weight_channels(graph, layer, {weight->shape, weight->rank});
  if (!channels || static_cast<std::size_t>(count_of(*bias)) != channels->count()) return std::nullopt;
  return FoldedLayer{*weight, *bias, *channels};
}

template <typename T>
void append_word(std::string &text, T number) {
  std::array<char, 40> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  text.append(digits.data(), end.ptr);
  text += ' ';
}

// Words of a note, each with a blank behind it.
class NoteWords {
 public:
  explicit NoteWords(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}
  template <typename T>
  bool read(T &number) {
    const auto found = std::from_chars(at_, end_, number);
    if (found.ec != std::errc() || found.ptr == end_ || *found.ptr != ' ') return false;
    at_ = found.ptr + 1;
    return true;
  }
  bool at_end() const { return at_ == end_; }

 private:
  const char *at_, *end_;
};

// Elements of the channels whose factor cannot be divided out, by increasing position.
template <typename Body>
void for_each_lost(const FoldedNorm &norm, const WeightChannels &channels, const Body &body) {
  channels.for_each_run([&](std::size_t first, std::size_t channel) {
    if (can_be_divided_out(fold_factor(norm, channel))) return;
    for (std::size_t i = 0; i < channels.taps; ++i) body(first + i);
  });
}

inline bool read_note(std::string_view text, const FoldedLayer &layer, FoldedNorm &norm) {
  NoteWords words(text);
  std::uint64_t digest = 0, kept = 0;
  if (!words.read(digest) || digest != digest_of_layer(layer.weight, layer.bias)) return false;
  if (!words.read(norm.epsilon) || !words.read(norm.momentum) || !words.read(kept)) return false;
  for (std::vector<float> *values : {&norm.gamma, &norm.beta, &norm.mean, &norm.variance}) {
    values->resize(layer.channels.count());
    for (float &value : *values) {
      if (!words.read(value)) return false;
    }
  }
  if (kept == 0) return words.at_end();
  const auto *stored = static_cast<const float *>(layer.weight.data);
  norm.weight.resize(layer.channels.elements());
  for (std::size_t i = 0; i < norm.weight.size(); ++i) {
    norm.weight[i] = static_cast<float>(double{stored[i]} / fold_factor(norm, layer.channels.of(i)));
  }
  bool whole = true;
  for_each_lost(norm, layer.channels, [&](std::size_t i) { whole = whole && words.read(norm.weight[i]); });
  return whole && words.at_end();
}

}  // namespace detail

// Leaves the note for the layer, which already stores its folded weight and bias and makes the value that the
// normalization made. Of `norm.weight`, which may be empty, only channels that cannot be divided out are noted. A layer
// of a subgraph, or of another type than float32, gets no note; a note that is there is replaced.
inline void note_fold(const Graph &graph, const GraphEdit &edit, ht_handle layer, const FoldedNorm &norm) {
  const Node node = graph.node(layer);
  const std::string key = detail::folded_key(graph, node);
  const auto stored = detail::folded_layer(graph, node);
  if (key.empty() || !stored || norm.gamma.size() != stored->channels.count()) return;
  std::string lost;
  std::uint64_t kept = 0;
  if (!norm.weight.empty()) {
    detail::for_each_lost(norm, stored->channels, [&](std::size_t i) {
      detail::append_word(lost, norm.weight[i]);
      ++kept;
    });
  }
  std::string text;
  detail::append_word(text, detail::digest_of_layer(stored->weight, stored->bias));
  detail::append_word(text, norm.epsilon);
  detail::append_word(text, norm.momentum);
  detail::append_word(text, kept);
  for (const std::vector<float> *values : {&norm.gamma, &norm.beta, &norm.mean, &norm.variance}) {
    for (const float value : *values) detail::append_word(text, value);
  }
  edit.set_metadata(key, text + lost);
}

// Nothing where no pass left a note, and where weight or bias were changed since.
inline std::optional<FoldedNorm> noted_fold(const Graph &graph, ht_handle layer) {
  const Node node = graph.node(layer);
  const std::string key = detail::folded_key(graph, node);
  const auto text = key.empty() ? std::nullopt : graph.metadata(key);
  const auto stored = text ? detail::folded_layer(graph, node) : std::nullopt;
  FoldedNorm norm;
  if (!stored || !detail::read_note(*text, *stored, norm)) return std::nullopt;
  return norm;
}

// What a training session is told of it. `norm` has to live until the session is open.
inline ht_train_fold train_fold(ht_handle layer, const FoldedNorm &norm, bool batch_statistics) {
  ht_train_fold fold{};
  fold.struct_size = sizeof(fold);
  fold.batch_statistics = batch_statistics ? 1 : 0;
  fold.node = layer;
  fold.gamma = norm.gamma.data();
  fold.beta = norm.beta.data();
  fold.mean = norm.mean.data();
  fold.variance = norm.variance.data();
  fold.channels = norm.gamma.size();
  fold.epsilon = norm.epsilon;
  fold.momentum = norm.momentum;
  fold.weight = norm.weight.empty() ? nullptr : norm.weight.data();
  return fold;
}

}  // namespace halftone::sdk
