#include "core/pipeline/sockets.h"

#include "core/model/model.h"

#include <map>
#include <string>

#include "halftone/target.h"

namespace halftone::pipeline {
namespace {

constexpr std::uint32_t kNone = HT_SLOT_NONE;
constexpr std::uint32_t kData = HT_SLOT_ACTIVATION;
constexpr std::uint32_t kWeight = HT_SLOT_WEIGHT;
constexpr std::uint32_t kBias = HT_SLOT_BIAS;
constexpr std::uint32_t kBound = HT_SLOT_BOUND;

using Table = std::map<std::string, Socket, std::less<>>;

void add(Table &table, std::initializer_list<const char *> types, const Socket &socket) {
  for (const char *type : types) table.emplace(type, socket);
}

void add_weighted(Table &table) {
  add(table, {"Conv", "ConvTranspose", "Gemm"}, {{kData, kWeight, kBias}, {kData}, kNone, kNone});
  add(table, {"MatMul"}, {{kData, kWeight}, {kData}, kNone, kNone});
  // Parameters of normalizations stay in float unless a descriptor asks for more.
  add(table, {"BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization"},
      {{kData}, {kData}, kNone, kNone});
  add(table, {"LSTM", "GRU", "RNN"}, {{kData, kWeight, kWeight}, {kData, kData, kData}, kNone, kNone});
}

void add_movement(Table &table) {
  const Socket first{{kData}, {kData}, kNone, kNone};  // input 0 carries data, the rest shapes, axes or indices
  add(table,
      {"Reshape",         "Expand",         "Tile",       "Squeeze",    "Unsqueeze", "Slice",   "Resize",   "Upsample",
       "Gather",          "GatherElements", "GatherND",   "GridSample", "RoiAlign",  "Trilu",   "CumSum",   "Compress",
       "ReverseSequence", "CenterCropPad",  "AffineGrid", "Col2Im",     "MaxUnpool", "Dropout", "Identity", "Flatten",
       "Transpose"},
      first);
  add(table, {"Split"}, {{kData}, {}, kNone, kData});
  add(table, {"TopK", "MaxPool"}, {{kData}, {kData, kNone}, kNone, kNone});  // output 1 holds indices
  add(table, {"Clip"}, {{kData, kBound, kBound}, {kData}, kNone, kNone});
  add(table, {"Pad"}, {{kData, kNone, kBound, kNone}, {kData}, kNone, kNone});
  add(table, {"ScatterElements", "ScatterND", "Scatter"}, {{kData, kNone, kData}, {kData}, kNone, kNone});
  // The condition is a truth value; the two branches are data.
  add(table, {"Where"}, {{kNone, kData, kData}, {kData}, kNone, kNone});
  add(table,
      {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
       "ReduceLogSumExp", "ReduceSumSquare"},
      first);
}

void add_untouched(Table &table) {
  const Socket nothing{{}, {}, kNone, kNone};
  add(table,
      {"Shape",
       "Size",
       "ConstantOfShape",
       "Constant",
       "Range",
       "NonMaxSuppression",
       "OneHot",
       "EyeLike",
       "RandomNormal",
       "RandomUniform",
       "RandomNormalLike",
       "RandomUniformLike",
       "Bernoulli",
       "Multinomial",
       "QuantizeLinear",
       "DequantizeLinear",
       "DynamicQuantizeLinear",
       "QLinearConv",
       "QLinearMatMul",
       "ConvInteger",
       "MatMulInteger",
       "If",
       "Loop",
       "Scan",
       "And",
       "Or",
       "Xor",
       "Not",
       "BitShift",
       "Optional",
       "Cast"},
      nothing);
  // They read data and give indices or truth values.
  add(table, {"ArgMax", "ArgMin", "NonZero", "IsNaN", "IsInf"}, {{kData}, {}, kNone, kNone});
  add(table, {"Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"}, {{kData, kData}, {}, kNone, kNone});
}

const Table &table() {
  static const Table made = [] {
    Table t;
    add_weighted(t);
    add_movement(t);
    add_untouched(t);
    return t;
  }();
  return made;
}

}  // namespace

const Socket &socket_of(std::string_view op_type) {
  static const Socket plain{{}, {}, kData, kData};
  const auto found = table().find(op_type);
  return found == table().end() ? plain : found->second;
}

const Socket &socket_of(const model::Node &node) {
  return socket_of(node.domain.empty() ? node.op_type : "");
}

}  // namespace halftone::pipeline
