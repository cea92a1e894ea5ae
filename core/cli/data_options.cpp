#include "core/cli/data_options.h"

#include <charconv>
#include <filesystem>

#include "core/base/byte_size.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::cli {

namespace po = boost::program_options;

void add_data_options(po::options_description &options) {
  options.add_options()("preprocess", po::value<std::string>()->value_name("FILE"),
                        "YAML or JSON file with the keys of `preprocess:`")(
      "reader", po::value<std::string>()->value_name("NAME"), "reader of the samples; guessed from the path otherwise")(
      "reader-setting", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "a parameter of the reader; `halftone help reader NAME` lists them")(
      "sample-axis", po::value<std::string>()->value_name("first|none"),
      "none: the array of a file is one sample (default: first)")(
      "feedback", po::value<std::vector<std::string>>()->composing()->value_name("OUTPUT=INPUT"),
      "samples are sequences: what the output gave becomes the input of the next frame")(
      "sequence-axis", po::value<std::string>()->value_name("N"),
      "the axis of a sample along which its frames follow each other (default: 0)")(
      "limit", po::value<std::string>()->value_name("N"), "use at most N samples")(
      "batch", po::value<std::string>()->value_name("N"), "samples that travel together; never changes a result")(
      "threads", po::value<std::string>()->value_name("N"), "worker threads, 0 for all cores; never changes a result")(
      "memory-budget", po::value<std::string>()->value_name("SIZE"), "what the run may use, such as 2GiB")(
      "on-bad-sample", po::value<std::string>()->value_name("fail|skip"),
      "what to do with a corrupt sample (default: fail)");
}

std::uint64_t whole_number(const po::variables_map &values, const char *name, std::int64_t deflt, std::int64_t low,
                           std::int64_t high) {
  if (values.count(name) == 0) return static_cast<std::uint64_t>(deflt);
  const std::string text = text_of(values, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    fail(Status::kInvalidArgument, "--{} must be a whole number from {} to {}, not '{}'", name, low, high, text);
  }
  return static_cast<std::uint64_t>(value);
}

bool is_pipeline_file(const std::string &path) {
  return path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
}

pipeline::InputSpec input_spec(const std::string &text) {
  pipeline::InputSpec input;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || std::filesystem::exists(text)) {
    input.path = text;
  } else {
    input.name = text.substr(0, equals);
    input.path = text.substr(equals + 1);
  }
  return input;
}

pipeline::DataSpec data_spec(const po::variables_map &values, const std::vector<std::string> &paths) {
  pipeline::DataSpec data;
  const std::string preprocess = text_of(values, "preprocess");
  Setting reader_settings;
  for (const std::string &text : texts_of(values, "reader-setting"))
    pipeline::apply_override(reader_settings, text, "--reader-setting");
  for (const std::string &path : paths) {
    pipeline::InputSpec input = input_spec(path);
    input.reader = text_of(values, "reader");
    input.reader_settings = reader_settings;
    input.preprocess_file = preprocess;
    input.has_preprocess = !preprocess.empty();
    if (!preprocess.empty()) input.preprocess = calibration::parse_preprocess(pipeline::parse_yaml_file(preprocess));
    data.inputs.push_back(std::move(input));
  }
  const std::string axis = text_of(values, "sample-axis");
  if (!axis.empty() && axis != "first" && axis != "none") {
    fail(Status::kInvalidArgument, "--sample-axis must be first or none, not '{}'", axis);
  }
  data.options.whole_arrays = axis == "none";
  const auto frames = static_cast<std::uint32_t>(whole_number(values, "sequence-axis", 0, 0, 15));
  data.options.sequence = pipeline::parse_feedback(texts_of(values, "feedback"), frames, "--feedback");
  if (values.count("sequence-axis") != 0 && !data.options.sequence) {
    fail(Status::kInvalidArgument,
         "--sequence-axis has no effect without --feedback, which says that samples are sequences");
  }
  data.limit = whole_number(values, "limit", 0, 1, std::int64_t{1} << 40);
  data.batch = whole_number(values, "batch", 1, 1, 1 << 20);
  data.threads = static_cast<std::uint32_t>(whole_number(values, "threads", 0, 0, 1024));
  if (const std::string budget = text_of(values, "memory-budget"); !budget.empty()) {
    std::int64_t bytes = 0;
    if (!parse_size(budget, bytes) || bytes == 0) {
      fail(Status::kInvalidArgument, "--memory-budget must be a size such as 512MiB or 2GiB, not '{}'", budget);
    }
    data.memory_budget = static_cast<std::uint64_t>(bytes);
  }
  const std::string bad = text_of(values, "on-bad-sample");
  if (!bad.empty() && bad != "fail" && bad != "skip") {
    fail(Status::kInvalidArgument, "--on-bad-sample must be fail or skip, not '{}'", bad);
  }
  data.skip_bad_samples = bad == "skip";
  return data;
}

}  // namespace halftone::cli
