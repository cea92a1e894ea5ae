// What a session computes: values, steps in order, parameters, quantization points, and what of them is learned.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fake_quantizer.h"
#include "fold.h"
#include "halftone/quant.h"
#include "optimizers/optimizer.h"
#include "step.h"

namespace halftone::trainer {

struct Value {
  std::string name;
  ht_handle handle = HT_NONE;  // HT_NONE for what a quantizer makes of one
  Tensor constant;             // not empty: known since open(), and never changes
  int parameter = -1;          // made anew before each batch, for all shards
  bool gradient = false;       // flows through it, to something that is learned, from a loss
};

// Something that is learned, and its optimizer's state.
struct Learned {
  std::uint32_t kind = 0;
  ht_handle handle = HT_NONE;
  std::uint32_t part = 0;
  Shape shape;
  std::vector<float> *values = nullptr;  // lie in a Weight or a Point
  std::vector<float> gradient;
  OptimizerState optimizer;
};

// An initializer that is learned, or holds running statistics.
struct Weight {
  ht_handle handle = HT_NONE;
  std::string name;
  Shape shape;
  std::vector<float> values;
  int learned = -1;
  std::uint32_t kind = HT_LEARNED_WEIGHT;  // or HT_LEARNED_STATISTICS
};

// A scale of its own and all that shares it.
struct Point {
  ht_handle config = HT_NONE;
  std::string name;  // how errors name it
  PointState state;
  std::string method = "fixed";
  std::vector<ht_field> fields;  // of the method, while the session is opened
  std::uint32_t learns = 0;
  int scales = -1, offsets = -1, rounding = -1;    // Learned
  std::shared_ptr<const FakeQuantizer> quantizer;  // of its first use
};

// One use of a point.
struct QuantUse {
  int point = -1;
  ht_handle config = HT_NONE;
  ht_quant_spec spec{};
  std::shared_ptr<const FakeQuantizer> quantizer;  // null: through "ht.arithmetic/1", with nothing learned
  std::uint32_t learned = 0;                       // bits of HT_LEARNED_*
};

// How scales lie over a row-major tensor of this shape; throws where a method cannot take blocks that lie so.
Grouping grouping_of(const QuantUse &use, const Shape &shape, const Point &point);

// What a parameter is to a folded normalization. What is held of weight and bias is not folded; it is folded for the
// steps.
enum class FoldRole : std::uint8_t { kNone, kWeight, kBias, kWeightAsItIs };

// A stored tensor as the steps see it: learned, quantized, or both.
struct Parameter {
  ht_handle handle = HT_NONE;  // the initializer
  int value = kNoValue;
  int weight = -1;  // of Program::weights
  Tensor stored;    // where it is not learned
  int fold = -1;    // of Program::folds
  FoldRole role = FoldRole::kNone;
  std::optional<QuantUse> quant;
  std::string name;
  bool gradient = false;      // the way back ends here
  Tensor seen;                // what the steps see
  std::uint64_t version = 0;  // counts changes of it
};

class Program {
 public:
  std::vector<Value> values;
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<Parameter> parameters;
  std::vector<std::unique_ptr<Point>> points;
  std::vector<std::unique_ptr<Weight>> weights;
  std::vector<std::unique_ptr<Fold>> folds;
  std::vector<Learned> learned;
  std::vector<int> inputs;   // values to feed
  std::vector<int> outputs;  // values to hand out
  std::vector<ht_handle> output_handles;
  std::vector<int> loss_values;  // by loss
  Pool pool;
};

}  // namespace halftone::trainer
