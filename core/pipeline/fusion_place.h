// An occurrence of a fusion in the model, noted so that later passes know it although they change nodes inside: folding
// a normalization takes one away, and the place stays.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/pattern/matcher.h"
#include "core/pipeline/fusion_spec.h"
#include "core/pipeline/target_slots.h"

namespace halftone::pipeline {

using model::Handle;

struct FusionPlace {
  struct Slot {
    std::size_t node = 0;  // which of `nodes`
    std::uint32_t slot = 0;
    friend bool operator==(const Slot &, const Slot &) = default;
  };

  std::string fusion;
  std::vector<Handle> nodes;                        // in the order of the pattern; some may be gone
  Handle output = HT_NONE;                          // the value that the place computes
  std::map<std::string, std::vector<Slot>> inputs;  // where each name of the pattern is read; also where it could be
  std::vector<Slot> inner;                          // constants that the pattern's numbers stand for
  std::map<std::string, SlotOrigin> origins;        // of names that a node in place of the pattern's reads
  bool contains(const model::Model &model, Handle node) const;  // and the node is alive
  std::vector<Handle> alive(const model::Model &model) const;
  // The node that computes the output; HT_NONE when a pass has put something else there.
  Handle root(const model::Model &model) const;
  // What a name stands for; HT_NONE for an optional input that is absent.
  Handle value(const model::Model &model, const std::string &name) const;
};

// "Relu 'relu_1'", for messages.
std::string shown(const model::Node &node);

FusionPlace place_of(const model::Model &model, const FusionSpec &fusion, const pattern::Match &match);

// Notes for passes that train, where the fusion says how normalizations inside are trained: under the name of what each
// makes, which stays when it is folded. "batch" or "frozen".
void note_norm_training(model::Model &model, const FusionSpec &fusion, const FusionPlace &place);

// The note in the model. Reading leaves out places whose root is gone and, with `fusions`, those of fusions that the
// run does not have.
std::vector<FusionPlace> read_places(const model::Model &model);
std::vector<FusionPlace> read_places(const model::Model &model, const std::vector<FusionSpec> &fusions);
void write_places(model::Model &model, const std::vector<FusionPlace> &places);

}  // namespace halftone::pipeline
