#include <algorithm>
#include <cstdio>
#include <sstream>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/cli/command.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

// In scripts an empty text is a variable that was never set. Taken as not given, it would change the run in silence.
void refuse_empty_texts(const std::string &command, const po::options_description &options,
                        const po::positional_options_description &positional, const po::variables_map &values) {
  for (const auto &[name, value] : values) {
    if (options.find(name, false).semantic()->max_tokens() == 0) continue;  // a switch
    const auto *text = boost::any_cast<std::string>(&value.value());
    const auto *texts = boost::any_cast<std::vector<std::string>>(&value.value());
    const bool empty =
        (text != nullptr && text->empty()) || (texts != nullptr && std::ranges::any_of(*texts, &std::string::empty));
    if (!empty) continue;
    const bool is_argument = positional.max_total_count() > 0 && positional.name_for_position(0) == name;
    fail(Status::kInvalidArgument, "{}{} of `halftone {}` is an empty text; name something, or leave it out",
         is_argument ? "the argument " : "--", name, command);
  }
}

}  // namespace

bool parse_arguments(const std::string &command, const std::string &usage, const po::options_description &options,
                     const po::positional_options_description &positional, const std::vector<std::string> &arguments,
                     po::variables_map &values) {
  po::options_description visible(options);
  visible.add_options()("plugin-path", po::value<std::vector<std::string>>()->composing()->value_name("PATH"),
                        "a folder of plug-ins, or one plug-in file; may be given more than once")("help,h",
                                                                                                  "print this help");
  po::options_description all(visible);
  all.add_options()("positional", po::value<std::vector<std::string>>());
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positional)
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values);
    if (values.count("help") != 0) {
      std::printf("usage: halftone %s %s\n\n", command.c_str(), usage.c_str());
      std::ostringstream text;
      text << visible;
      std::fputs(text.str().c_str(), stdout);
      return false;
    }
    po::notify(values);
    refuse_empty_texts(command, all, positional, values);
  } catch (const po::unknown_option &error) {
    std::vector<std::string> known;
    for (const auto &option : visible.options()) known.push_back("--" + option->long_name());
    const std::string given = error.get_option_name();
    // An abbreviation is no typing mistake to nearest_hint().
    const auto longer = std::ranges::find_if(known, [&](const std::string &name) { return name.starts_with(given); });
    const std::string hint =
        longer == known.end() ? nearest_hint(given, known) : fmt::format(" (did you mean '{}'?)", *longer);
    fail(Status::kInvalidArgument, "`halftone {}` has no option '{}'{}; `halftone {} --help` lists them", command,
         given, hint, command);
  } catch (const po::too_many_positional_options_error &) {
    fail(Status::kInvalidArgument, "too many arguments for `halftone {}`; usage: halftone {} {}", command, command,
         usage);
  } catch (const po::error &error) {
    fail(Status::kInvalidArgument, "{}; usage: halftone {} {}", error.what(), command, usage);
  }
  return true;
}

host::Registry open_registry(const po::variables_map &values) {
  host::SearchOptions options;
  for (const std::string &path : texts_of(values, "plugin-path")) options.plugin_paths.emplace_back(path);
  host::Registry registry = host::load_plugins(options);
  for (const auto &[file, reason] : registry.refused) {
    std::fprintf(stderr, "halftone: warning: plug-in '%s' was not loaded: %s\n", file.c_str(), reason.c_str());
  }
  return registry;
}

std::vector<std::string> texts_of(const po::variables_map &values, const char *name) {
  return values.count(name) == 0 ? std::vector<std::string>() : values[name].as<std::vector<std::string>>();
}

std::string text_of(const po::variables_map &values, const char *name) {
  return values.count(name) == 0 ? std::string() : values[name].as<std::string>();
}

}  // namespace halftone::cli
