#include "tests/unit/reference/onnx_suite.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "core/model/onnx_io.h"
#include "tests/unit/reference/model_runner.h"

namespace halftone::test {
namespace {

namespace fs = std::filesystem;
const fs::path kData = "/usr/share/libonnx-testdata/data";

const std::string kStrings = "strings", kSequences = "sequences and optional types", kRandom = "random numbers",
                  kTraining = "training of graphs", kFault = "published file";

// What is excluded by operator.
const std::map<std::string, std::string> kOperators = {
    {"StringNormalizer", kStrings},
    {"StringConcat", kStrings},
    {"StringSplit", kStrings},
    {"RegexFullMatch", kStrings},
    {"ConcatFromSequence", kSequences},
    {"SequenceAt", kSequences},
    {"SequenceConstruct", kSequences},
    {"SequenceEmpty", kSequences},
    {"SequenceErase", kSequences},
    {"SequenceInsert", kSequences},
    {"SequenceLength", kSequences},
    {"SequenceMap", kSequences},
    {"SplitToSequence", kSequences},
    {"Bernoulli", kRandom},
    {"Multinomial", kRandom},
    {"RandomNormal", kRandom},
    {"RandomNormalLike", kRandom},
    {"RandomUniform", kRandom},
    {"RandomUniformLike", kRandom},
    {"ImageDecoder", "image files"},
    {"ai.onnx.preview.training Gradient", kTraining},
};

// The published output is one draw of a random generator; or the published model lacks the epsilon of 0.01 with which
// its output was computed: X1_new is 1 - 0.1 * 1.85005 / (sqrt(0.5747002) + 0.01), and the default of epsilon is 0.
const std::map<std::string, std::string> kTests = {
    {"test_training_dropout", kRandom},      {"test_training_dropout_default", kRandom},
    {"test_training_dropout_mask", kRandom}, {"test_training_dropout_default_mask", kRandom},
    {"test_adam_multiple", kFault},
};

// The tolerance of ONNX's own runner.
constexpr double kTolerance = 1e-3;
// The published bfloat16 numbers were cut off, where runtimes round to the nearest: one unit of the last place.
constexpr double kBfloat16Unit = 1.0 / 128;

bool close(double a, double b, double relative) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::fabs(a - b) <= 1e-7 + relative * std::fabs(b);
}

// What differs, or nothing.
std::string difference(const model::Tensor &got, const model::Tensor &want) {
  if (got.dtype() != want.dtype()) return fmt::format("type {} instead of {}", got.dtype(), want.dtype());
  if (got.shape() != want.shape()) return "another shape";
  if (std::ranges::equal(got.bytes(), want.bytes())) return {};
  const bool real =
      want.dtype() == HT_F32 || want.dtype() == HT_F64 || want.dtype() == HT_F16 || want.dtype() == HT_BF16;
  if (!real) return "another value";
  std::vector<double> a, b;
  if (want.dtype() == HT_F64) {
    a.resize(static_cast<std::size_t>(got.count()));
    b = a;
    std::memcpy(a.data(), got.bytes().data(), got.bytes().size());
    std::memcpy(b.data(), want.bytes().data(), want.bytes().size());
  } else {
    const auto x = got.to_floats(), y = want.to_floats();
    a.assign(x.begin(), x.end());
    b.assign(y.begin(), y.end());
  }
  const double relative = want.dtype() == HT_BF16 ? kBfloat16Unit : kTolerance;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!close(a[i], b[i], relative)) return fmt::format("element {} is {} instead of {}", i, a[i], b[i]);
  }
  return {};
}

// The tensor of a published OptionalProto, empty where it has no element. Of its fields, 3 is the tensor.
std::string_view tensor_of_optional(std::string_view bytes) {
  const auto number = [&] {
    std::uint64_t value = 0;
    for (int shift = 0; !bytes.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (!bytes.empty()) {
    const std::uint64_t key = number(), value = number();
    if ((key & 7) != 2) continue;  // a number; other kinds are not in the message
    if (key >> 3 == 3) return bytes.substr(0, value);
    bytes.remove_prefix(std::min<std::size_t>(value, bytes.size()));
  }
  return {};
}

// The published files hold bfloat16 as uint16 with the same bits: the model knows which it is.
model::Tensor read_tensor(const fs::path &file, ht_dtype declared) {
  model::Tensor tensor = model::parse_tensor_proto(read_bytes(file));
  if (declared != HT_BF16 || tensor.dtype() != HT_U16) return tensor;
  return model::Tensor(HT_BF16, tensor.shape(), {tensor.bytes().begin(), tensor.bytes().end()});
}

std::vector<model::Tensor> tensors(const model::Model &m, const std::vector<model::Handle> &values,
                                   const fs::path &folder, const std::string &stem) {
  std::vector<model::Tensor> out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const fs::path file = folder / fmt::format("{}_{}.pb", stem, i);
    if (!fs::exists(file)) continue;
    if (model::is_optional_input(m, values[i])) {
      const std::string bytes = read_bytes(file);
      const std::string_view element = tensor_of_optional(bytes);
      out.push_back(element.empty() ? model::Tensor() : model::parse_tensor_proto(element));
    } else {
      out.push_back(read_tensor(file, m.value(values[i]).type.dtype));
    }
  }
  return out;
}

std::string run_set(ModelRunner &runner, const model::Model &m, const fs::path &set) {
  const model::Graph &graph = m.graph(m.main_graph());
  const Emitted got = runner.run(tensors(m, graph.inputs, set, "input"));
  const std::vector<model::Tensor> want = tensors(m, graph.outputs, set, "output");
  if (want.empty()) return "no published output was read";
  for (std::size_t i = 0; i < want.size(); ++i) {
    const std::string reason = difference(emitted(got, graph.outputs[i]), want[i]);
    if (!reason.empty()) return reason;
  }
  return {};
}

// False where an input is a sequence or an optional value, whose published files hold no tensors.
bool takes_tensors(const model::Model &m) {
  return std::ranges::all_of(m.graph(m.main_graph()).inputs,
                             [&](model::Handle input) { return m.value(input).type.dtype != HT_DTYPE_NONE; });
}

// Why a model that was refused need not run; nothing where it must.
std::string excuse(const model::Model &m, const SuiteResult &result, const std::string &message) {
  for (const std::string &op : result.operators) {
    if (const auto reason = exclusion_of(op)) return *reason;
  }
  const auto says = [&](const char *words) { return message.find(words) != std::string::npos; };
  if (says("type string") || says("element type 20")) return kStrings;
  return takes_tensors(m) ? "" : kSequences;
}

SuiteResult run_test(const fs::path &folder, const std::string &executor) {
  SuiteResult result;
  result.name = folder.filename();
  host::WorkingModel working;
  try {
    working.model = model_to_run(folder / "model.onnx");
    std::set<std::string> operators;
    for (const model::Handle g : working.model.graphs()) {
      for (const model::Handle n : working.model.graph(g).nodes) {
        const model::Node &node = working.model.node(n);
        operators.insert(node.domain.empty() ? node.op_type : node.domain + " " + node.op_type);
      }
    }
    result.operators.assign(operators.begin(), operators.end());
    const auto known = kTests.find(result.name);
    if (known != kTests.end() || !takes_tensors(working.model)) {
      result.outcome = Outcome::kExcluded;
      result.reason = known != kTests.end() ? known->second : excuse(working.model, result, "");
      return result;
    }
    RunRequest request;
    request.executor = executor;
    ModelRunner runner(working, request);
    result.outcome = Outcome::kPassed;
    for (const auto &entry : fs::directory_iterator(folder)) {
      if (!entry.is_directory()) continue;
      result.reason = run_set(runner, working.model, entry.path());
      if (!result.reason.empty()) result.outcome = Outcome::kFailed;
    }
  } catch (const Error &error) {
    const std::string why = excuse(working.model, result, error.message());
    result.outcome = why.empty() ? Outcome::kFailed : Outcome::kExcluded;
    result.reason = why.empty() ? error.message() : why;
  }
  return result;
}

}  // namespace

std::optional<std::string> exclusion_of(const std::string &op) {
  const auto found = kOperators.find(op);
  return found == kOperators.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> excluded_operators() {
  std::vector<std::string> out;
  for (const auto &[op, reason] : kOperators) out.push_back(op);
  return out;
}

std::optional<std::vector<SuiteResult>> run_suite(const std::string &suite, const std::string &executor) {
  if (!fs::exists(kData / suite)) return std::nullopt;
  std::set<fs::path> folders;
  for (const auto &entry : fs::directory_iterator(kData / suite)) {
    if (fs::exists(entry.path() / "model.onnx")) folders.insert(entry.path());
  }
  std::vector<SuiteResult> out;
  for (const fs::path &folder : folders) out.push_back(run_test(folder, executor));
  return out;
}

}  // namespace halftone::test
