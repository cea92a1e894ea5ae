// A table of configs as bytes, with every number as it is.
#pragma once

#include <string>

#include "core/base/byte_archive.h"
#include "core/quant/config.h"

namespace halftone::quant {

class ConfigImage {
 public:
  static void write(ByteWriter &writer, const ConfigTable &table);
  static ConfigTable read(ByteReader &reader);
  // The config sits at another slot from now on, under its number and with all that refers to it. Throws
  // FailedPrecondition when that slot has one already.
  static void move_to_slot(ConfigTable &table, Handle config, const SlotKey &to);
  // Where two tables of configs of one model differ first: "the config of input 1 of Conv 'conv1'"; empty when they are
  // the same, bit by bit.
  static std::string difference(const ConfigTable &a, const ConfigTable &b, const model::Model &model);
};

}  // namespace halftone::quant
