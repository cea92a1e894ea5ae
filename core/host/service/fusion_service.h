// What the kernel asks the run's fusions. core/pipeline implements it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/context.h"

namespace halftone::host {

class FusionService {
 public:
  virtual ~FusionService() = default;
  virtual std::vector<std::string> names() const = 0;
  // Finds and notes places; gives a line for each fusion: "2 places".
  virtual std::vector<std::string> find(WorkingModel &working) = 0;
  // Roots of the places of a fusion. Throws NotFound for a name that the run does not have.
  virtual std::vector<model::Handle> places(const WorkingModel &working, std::string_view name) = 0;
  // The following throw NotFound for a node that is no root of a place.
  virtual std::vector<model::Handle> nodes(const WorkingModel &working, model::Handle root) = 0;
  virtual model::Handle value(const WorkingModel &working, model::Handle root, std::string_view name) = 0;
  virtual std::vector<model::Handle> pinned(const WorkingModel &working) = 0;
  virtual std::vector<std::vector<model::Handle>> shares(const WorkingModel &working) = 0;
  // `form`: HT_FUSION_*. Gives the new nodes; none where the fusion has no such form.
  virtual std::vector<model::Handle> replace(WorkingModel &working, model::Handle root, std::uint32_t form) = 0;
};

}  // namespace halftone::host
