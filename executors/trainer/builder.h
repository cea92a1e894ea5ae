// Makes a program of the part of the main graph between the values that are fed and those that are asked for.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "halftone/config.hpp"
#include "halftone/op_kernel.hpp"
#include "program.h"

namespace halftone::trainer {

class Builder {
 public:
  Builder(const sdk::Context &ctx, const ht_train_options &options);
  // Throws sdk::Failure naming the node that cannot be trained and why.
  std::unique_ptr<Program> build();

 private:
  std::set<ht_handle> needed_nodes() const;
  bool is_fed(ht_handle value) const { return fed_.contains(value); }
  bool is_initializer(ht_handle value) const { return !is_fed(value) && graph_.value(value).is_initializer(); }

  // Numbers of values.
  int add_value(std::string name, ht_handle handle);
  int read(ht_handle value);
  int define(ht_handle value);
  int quantized_input(const sdk::Node &node, std::uint32_t slot);
  int parameter(ht_handle value, ht_handle config);
  bool is_held(ht_handle value) const { return learned_weights_.contains(value) || statistics_.contains(value); }
  int quantized(int raw, ht_handle config);

  // builder_points.cpp
  bool is_live(ht_handle config) const;
  ht_handle owner_of(ht_handle config) const;
  int point_of(ht_handle config);
  QuantUse use_of(ht_handle config, bool weight);
  void name_methods();
  void check_all_methods_used() const;
  void add_learned_of_points();
  void start_without_values(Point &point) const;

  // builder_folds.cpp
  void take_folds();
  void check_fold_slot(const sdk::Node &node, std::uint32_t slot, const std::string &label) const;
  void check_all_folds_used() const;
  int fold_parameter(int number, std::uint32_t slot, ht_handle value, ht_handle config);
  void add_learned_of_fold(Fold &fold, bool weight_is_learned);
  int weight_as_it_is(int number);
  std::unique_ptr<Step> normalized(std::unique_ptr<Step> layer, const sdk::Node &node, int number);
  void take_normalizations();
  std::unique_ptr<Step> normalization(const sdk::Node &node);
  void give_statistics(Step &step, const sdk::Node &node);
  void check_all_normalizations_used() const;

  void add_node(const sdk::Node &node);
  void add_outputs_of(std::unique_ptr<Step> step, const sdk::Node &node);
  bool fold(const sdk::Node &node, const Step &step);
  void add_outputs();
  void add_losses();

  // builder_gradients.cpp
  void mark_gradients();
  bool learns(const Parameter &parameter) const;
  bool may_be_float(ht_handle value) const;
  void mark_last_uses();

  int weight_of(ht_handle value);
  void add_step(std::unique_ptr<Step> step);

  const sdk::Context &ctx_;
  sdk::Graph graph_;
  sdk::Configs configs_;
  const ht_train_options &options_;
  std::set<ht_handle> fed_, learned_weights_;
  std::map<ht_handle, int> numbers_;                           // of the graph's values
  std::map<std::pair<ht_handle, ht_handle>, int> parameters_;  // by initializer and config
  std::map<std::pair<int, ht_handle>, int> quantized_;         // by value and config that says how
  std::map<ht_handle, int> points_;                            // by owner
  std::map<ht_handle, const ht_train_quantizer *> methods_;    // by owner
  std::set<ht_handle> methods_used_;
  std::map<ht_handle, int> folds_;                            // by layer
  std::set<ht_handle> statistics_;                            // initializers of running statistics that change
  std::set<ht_handle> normalizations_, normalizations_used_;  // nodes
  std::unique_ptr<Program> program_;
};

}  // namespace halftone::trainer
