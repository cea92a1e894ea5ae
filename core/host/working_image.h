// A working model as bytes: graph, configs and what passes decided, with every handle as it is.
#pragma once

#include <string>

#include "core/host/context.h"
#include "core/model/model_image.h"

namespace halftone::host {

void write_working(model::ImageWriter &writer, const WorkingModel &working);
WorkingModel read_working(model::ImageReader &reader);

// Where two copies of one model differ first after the same work was done on each; empty when they are the same, bit by
// bit.
std::string difference(const WorkingModel &a, const WorkingModel &b);

}  // namespace halftone::host
