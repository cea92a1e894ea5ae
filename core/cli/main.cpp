// halftone: the command line over libhalftone.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/cli/command.h"

namespace halftone::cli {

const std::vector<Command> &commands() {
  static const std::vector<Command> list = {
      {"analyze", "PIPELINE.yaml | MODEL --platform NAME --calibration PATH",
       "which operators the error of quantization comes from, and why", &command_analyze},
      {"calibrate", "MODEL --calibration PATH -o FILE.htstats", "collect statistics once, for any run later",
       &command_calibrate},
      {"check-plugin", "FILE", "what can be found out about a plug-in before anybody else uses it",
       &command_check_plugin},
      {"convert-setting", "SETTING.json --platform NAME -o PIPELINE.yaml", "a pipeline file from a setting of PPQ",
       &command_convert_setting},
      {"evaluate", "MODEL --data PATH", "accuracy of a model, and its distance from another", &command_evaluate},
      {"executors", "", "list executors", &command_executors},
      {"exporters", "", "list exporters", &command_exporters},
      {"explain", "PIPELINE.yaml", "the plan of a pipeline; after a run, who set each scale and why", &command_explain},
      {"help", "[KIND NAME | COMMAND]", "what a command, pass, observer, reader ... does and takes", &command_help},
      {"inspect", "MODEL", "operators, shapes, parameters and quantization of a model", &command_inspect},
      {"merge", "FILE.htstats ... -o FILE.htstats", "join statistics of several sets of samples", &command_merge},
      {"new", "KIND NAME", "the beginning of a plug-in, as a folder that builds and has a test", &command_new},
      {"observers", "", "list observers", &command_observers},
      {"passes", "", "list passes", &command_passes},
      {"platforms", "", "list platforms", &command_platforms},
      {"plugins", "", "list plug-ins with their files and components", &command_plugins},
      {"profile", "MODEL", "how long a model takes, node by node", &command_profile},
      {"quantize", "MODEL --platform NAME --calibration PATH -o OUT.onnx", "quantize a model in one call",
       &command_quantize},
      {"readers", "", "list readers", &command_readers},
      {"run", "PIPELINE.yaml [--set KEY=VALUE ...]", "run a pipeline file", &command_run},
      {"schema", "[pipeline | platform | preset]", "JSON Schema of a file of settings, for editors", &command_schema},
  };
  return list;
}

namespace {

int exit_code(Status status) {
  switch (status) {
    case Status::kCancelled:
      return kExitCancelled;
    case Status::kInvalidArgument:
      return kExitUsage;
    default:
      return kExitFailure;
  }
}

int dispatch(const std::vector<std::string> &arguments) {
  if (arguments.empty()) return command_help({}), kExitUsage;
  const std::string &name = arguments.front();
  if (name == "--help" || name == "-h") return command_help({});
  if (name == "--version") {
    std::puts("halftone " HALFTONE_VERSION);
    return kExitOk;
  }
  std::vector<std::string> known;
  for (const Command &command : commands()) {
    if (name == command.name) return command.run({arguments.begin() + 1, arguments.end()});
    known.emplace_back(command.name);
  }
  fail(Status::kInvalidArgument, "no command '{}'{}; `halftone help` lists the commands", name,
       nearest_hint(name, known));
}

}  // namespace

}  // namespace halftone::cli

int main(int argc, char **argv) {
  using namespace halftone;
  try {
    const int code = cli::dispatch({argv + 1, argv + argc});
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      fail(Status::kResourceExhausted, "standard output could not be written");
    return code;
  } catch (const Error &error) {
    std::fprintf(stderr, "halftone: %s\n", error.what());
    return cli::exit_code(error.status());
  } catch (const std::bad_alloc &) {
    std::fputs("halftone: out of memory\n", stderr);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "halftone: internal error: %s\n", error.what());
  }
  return cli::kExitFailure;
}
