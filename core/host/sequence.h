// Samples that are sequences: a model that hands its state from frame to frame.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "halftone/tensor.h"

namespace halftone::host {

// What a session hands over: called on the worker's thread while the executor still holds the tensor.
using EmitFunction = std::function<void(model::Handle value, const ht_tensor_view &tensor)>;

// A sample is a whole sequence. The session runs it frame by frame: what an output of `feedback` gave in one frame is
// what its input gets in the next.
struct Sequence {
  struct Feedback {
    std::string output, input;  // names of the model's outputs and inputs
    friend bool operator==(const Feedback &, const Feedback &) = default;
  };
  std::vector<Feedback> feedback;
  // Frames follow each other along this axis of an input's array. An array with one axis more than the model's input
  // loses this axis; in one with as many axes a frame is as long as the model's input there, 1 where that is not fixed.
  std::uint32_t axis = 0;

  bool feeds(const std::string &input) const;
  friend bool operator==(const Sequence &, const Sequence &) = default;
};

// Throws InvalidArgument where the model has no such output or input, or an input gets its state from two outputs.
void require_feedback(const Sequence &sequence, const model::Model &model);

class SequencePlan {
 public:
  // `inputs` in the order of run(); what is fed back and missing in `emits` is added there, and not handed over.
  SequencePlan(const Sequence &sequence, const model::Model &model, const std::vector<model::Handle> &inputs,
               std::vector<model::Handle> &emits);

  using RunFrame = std::function<void(std::span<const ht_tensor_view> inputs, const EmitFunction &emit)>;
  // Inputs of one frame only are the same in every frame. Throws DataLoss where inputs have different numbers of frames
  // or no whole number.
  void run(std::span<const ht_tensor_view> inputs, const EmitFunction &emit, const RunFrame &frame) const;
  // A state that is emitted for the next frame only.
  bool is_internal(model::Handle value) const;
  // Views of the first frame; `shapes` holds what they point to. The inputs need no data.
  std::vector<ht_tensor_view> first_frame(std::span<const ht_tensor_view> inputs,
                                          std::vector<std::vector<std::int64_t>> &shapes) const;

 private:
  struct Input {
    std::string name;
    bool is_state = false, known_rank = false;
    std::vector<std::int64_t> extents;  // of the model's input, -1 where one is not fixed
  };
  struct State {
    model::Handle output = HT_NONE;
    std::size_t input = 0;
    std::string name;       // of the output
    bool internal = false;  // nobody but the sequence asked for it
  };
  struct Cut;
  Cut cut(std::size_t input, const ht_tensor_view &tensor) const;
  std::vector<Cut> cuts(std::span<const ht_tensor_view> inputs, std::int64_t &frames) const;

  std::uint32_t axis_;
  std::vector<Input> inputs_;
  std::vector<State> states_;
};

}  // namespace halftone::host
