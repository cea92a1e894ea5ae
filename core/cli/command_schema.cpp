// `halftone schema`: what files of settings may hold, for editors.
#include <array>
#include <cstdio>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/cli/command.h"
#include "core/pipeline/json_schema.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

struct FileKind {
  const char *name;
  std::string (*schema)(const host::Registry &);
};
constexpr std::array kKinds = {FileKind{"pipeline", &pipeline::pipeline_schema},
                               FileKind{"platform", &pipeline::platform_schema},
                               FileKind{"preset", &pipeline::preset_schema}};

}  // namespace

int command_schema(const std::vector<std::string> &arguments) {
  po::options_description options("options");
  options.add_options()("kind", po::value<std::string>()->default_value("pipeline")->value_name("KIND"),
                        "pipeline, platform or preset");
  po::positional_options_description positional;
  positional.add("kind", 1);
  po::variables_map values;
  if (!parse_arguments("schema", "[pipeline | platform | preset]", options, positional, arguments, values))
    return kExitOk;
  const std::string kind = text_of(values, "kind");
  std::vector<std::string> known;
  for (const FileKind &one : kKinds) {
    known.emplace_back(one.name);
    if (kind != one.name) continue;
    std::fputs(one.schema(open_registry(values)).c_str(), stdout);
    return kExitOk;
  }
  fail(Status::kInvalidArgument, "there is no schema of '{}'{}; there are pipeline, platform and preset", kind,
       nearest_hint(kind, known));
}

}  // namespace halftone::cli
