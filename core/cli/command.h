// The commands of `halftone`, each in a file of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "core/host/registry.h"

namespace halftone::cli {

// Exit codes, documented in docs/command-line.md.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;      // the run failed: data, model, pass, output
inline constexpr int kExitUsage = 2;        // the command line or the pipeline file is wrong
inline constexpr int kExitCancelled = 130;  // Ctrl-C

struct Command {
  const char *name;
  const char *usage;    // after the name
  const char *summary;  // one line
  int (*run)(const std::vector<std::string> &arguments);
};

const std::vector<Command> &commands();

int command_analyze(const std::vector<std::string> &arguments);
int command_calibrate(const std::vector<std::string> &arguments);
int command_check_plugin(const std::vector<std::string> &arguments);
int command_convert_setting(const std::vector<std::string> &arguments);
int command_evaluate(const std::vector<std::string> &arguments);
int command_explain(const std::vector<std::string> &arguments);
int command_help(const std::vector<std::string> &arguments);
int command_inspect(const std::vector<std::string> &arguments);
int command_merge(const std::vector<std::string> &arguments);
int command_new(const std::vector<std::string> &arguments);
int command_profile(const std::vector<std::string> &arguments);
int command_quantize(const std::vector<std::string> &arguments);
int command_schema(const std::vector<std::string> &arguments);
int command_run(const std::vector<std::string> &arguments);
// `plugins` and the lists of one kind of component each.
int command_plugins(const std::vector<std::string> &arguments);
int command_passes(const std::vector<std::string> &arguments);
int command_platforms(const std::vector<std::string> &arguments);
int command_observers(const std::vector<std::string> &arguments);
int command_executors(const std::vector<std::string> &arguments);
int command_readers(const std::vector<std::string> &arguments);
int command_exporters(const std::vector<std::string> &arguments);

// Parses under the command's options plus --help and --plugin-path; prints the help and returns false when asked to.
// Throws InvalidArgument with the nearest known option.
bool parse_arguments(const std::string &command, const std::string &usage,
                     const boost::program_options::options_description &options,
                     const boost::program_options::positional_options_description &positional,
                     const std::vector<std::string> &arguments, boost::program_options::variables_map &values);

// Plug-ins of this run, with --plugin-path. Refused files are warned about on standard error.
host::Registry open_registry(const boost::program_options::variables_map &values);

// The text of an option, or empty.
std::string text_of(const boost::program_options::variables_map &values, const char *name);
// The texts of an option that may be repeated; none when it was not given.
std::vector<std::string> texts_of(const boost::program_options::variables_map &values, const char *name);

}  // namespace halftone::cli
