// A folder with the beginning of a plug-in, made from the templates that are installed with the SDK.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace halftone::cli {

// What a template's files call the component, in four spellings, and what takes their place.
struct ScaffoldNames {
  std::string id;      // "my-pass", for "template-name"
  std::string file;    // "my_pass", for "template_name": files, and targets of the build
  std::string type;    // "MyPass", for "TemplateName": the class
  std::string vendor;  // "org.someone", for "com.example": before the id it is the plug-in's
};

// Throws InvalidArgument where the id cannot be one, or cannot name a target of CMake.
ScaffoldNames scaffold_names(const std::string &id, const std::string &vendor);

enum class Language { kNone, kC, kCpp };  // kNone: nothing is compiled

// The folder of the templates, and the one that CMAKE_PREFIX_PATH has to name: of this build or of this installation.
std::filesystem::path template_folder();
std::filesystem::path prefix_folder();

// Writes the template `kind` to `folder`, which must not be there, all of it or nothing. Gives the files, relative to
// it.
std::vector<std::filesystem::path> write_scaffold(const std::string &kind, Language language,
                                                  const ScaffoldNames &names, const std::filesystem::path &folder);

}  // namespace halftone::cli
