#include "width_program.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include <glpk.h>

namespace halftone::passes {
namespace {

// How far beyond a limit a sum of floats may come out.
constexpr double kRounding = 1e-9;
constexpr int kAttempts = 8;

double part(const WidthCost &cost, Sum sum) {
  return sum == Sum::kError ? cost.error : sum == Sum::kSize ? cost.bits : cost.latency;
}

struct Limit {
  Sum sum = Sum::kError;
  double most = 0;
};

std::vector<Limit> limits_of(const WidthProgram &program) {
  std::vector<Limit> limits;
  if (program.error) limits.push_back({Sum::kError, *program.error});
  if (program.bits) limits.push_back({Sum::kSize, *program.bits});
  if (program.latency) limits.push_back({Sum::kLatency, *program.latency});
  return limits;
}

// What every choice adds at least.
double least_part(const std::vector<WidthCost> &candidates, Sum sum) {
  double least = part(candidates.front(), sum);
  for (const WidthCost &cost : candidates) least = std::min(least, part(cost, sum));
  return least;
}

bool keeps_to(const WidthProgram &program, const std::vector<std::size_t> &choice, const Limit &limit) {
  return total(program, choice, limit.sum) <= limit.most + kRounding * std::fabs(limit.most);
}

// What the limits leave above the least parts.
std::vector<double> room_of(const WidthProgram &program, const std::vector<Limit> &limits) {
  std::vector<double> room;
  for (const Limit &limit : limits) {
    double left = limit.most + kRounding * std::fabs(limit.most);
    for (const std::vector<WidthCost> &candidates : program.operators) left -= least_part(candidates, limit.sum);
    room.push_back(left);
  }
  return room;
}

using Problem = std::unique_ptr<glp_prob, decltype(&glp_delete_prob)>;

// A column for each candidate, 0 or 1; a row for each operator, whose columns are 1 together; a row for each limit, in
// units of the room that it leaves. Candidates that go beyond that by themselves are not taken in: so the numbers of a
// row lie between 0 and 1, whatever errors there are, and the solver's tolerances are small beside the limit.
class Builder {
 public:
  Builder(const WidthProgram &program, const std::vector<Limit> &limits, const std::vector<double> &room)
      : program_(program), limits_(limits), room_(room), problem_(glp_create_prob(), &glp_delete_prob) {}

  Problem build(double tightening) {
    glp_prob *p = problem_.get();
    glp_set_obj_dir(p, GLP_MIN);
    glp_add_rows(p, static_cast<int>(program_.operators.size() + limits_.size()));
    double widest = 0;
    for (const std::vector<WidthCost> &candidates : program_.operators) {
      for (const WidthCost &cost : candidates) {
        if (allowed(candidates, cost))
          widest = std::max(widest, part(cost, program_.least) - least_part(candidates, program_.least));
      }
    }
    for (std::size_t i = 0; i < program_.operators.size(); ++i) {
      glp_set_row_bnds(p, static_cast<int>(i) + 1, GLP_FX, 1, 1);
      add_columns(i, widest > 0 ? widest : 1);
    }
    for (std::size_t k = 0; k < limits_.size(); ++k) {
      glp_set_row_bnds(p, static_cast<int>(program_.operators.size() + k) + 1, GLP_UP, 0, 1 - tightening);
    }
    // The first entry of the solver's arrays is not used.
    rows_.insert(rows_.begin(), 0);
    columns_.insert(columns_.begin(), 0);
    values_.insert(values_.begin(), 0);
    glp_load_matrix(p, static_cast<int>(rows_.size()) - 1, rows_.data(), columns_.data(), values_.data());
    return std::move(problem_);
  }

 private:
  bool allowed(const std::vector<WidthCost> &candidates, const WidthCost &cost) const {
    for (std::size_t k = 0; k < limits_.size(); ++k) {
      if (part(cost, limits_[k].sum) - least_part(candidates, limits_[k].sum) > room_[k]) return false;
    }
    return true;
  }
  void add_columns(std::size_t i, double unit) {
    const std::vector<WidthCost> &candidates = program_.operators[i];
    const int first = glp_add_cols(problem_.get(), static_cast<int>(candidates.size()));
    const double least = least_part(candidates, program_.least);
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      const int column = first + static_cast<int>(c);
      glp_set_col_kind(problem_.get(), column, GLP_BV);
      put(i, column, 1);
      if (!allowed(candidates, candidates[c])) {
        glp_set_col_bnds(problem_.get(), column, GLP_FX, 0, 0);
        continue;
      }
      glp_set_obj_coef(problem_.get(), column, (part(candidates[c], program_.least) - least) / unit);
      for (std::size_t k = 0; k < limits_.size(); ++k) {
        const double more = part(candidates[c], limits_[k].sum) - least_part(candidates, limits_[k].sum);
        if (more > 0) put(program_.operators.size() + k, column, more / room_[k]);
      }
    }
  }
  void put(std::size_t row, int column, double value) {
    rows_.push_back(static_cast<int>(row) + 1);
    columns_.push_back(column);
    values_.push_back(value);
  }

  const WidthProgram &program_;
  const std::vector<Limit> &limits_;
  const std::vector<double> &room_;
  Problem problem_;
  std::vector<int> rows_, columns_;
  std::vector<double> values_;
};

std::optional<std::vector<std::size_t>> attempt(const WidthProgram &program, const std::vector<Limit> &limits,
                                                const std::vector<double> &room, double tightening) {
  const Problem problem = Builder(program, limits, room).build(tightening);
  glp_iocp options;
  glp_init_iocp(&options);
  options.msg_lev = GLP_MSG_OFF;
  options.presolve = GLP_ON;
  options.mip_gap = 0;
  const int status = glp_intopt(problem.get(), &options);
  if (status == GLP_ENOPFS || status == GLP_ENODFS) return std::nullopt;
  if (status != 0) throw std::runtime_error("GLPK gave up with code " + std::to_string(status));
  if (glp_mip_status(problem.get()) != GLP_OPT) return std::nullopt;
  std::vector<std::size_t> choice;
  int column = 1;
  for (const std::vector<WidthCost> &candidates : program.operators) {
    std::size_t chosen = 0;
    for (std::size_t c = 0; c < candidates.size(); ++c, ++column) {
      if (glp_mip_col_val(problem.get(), column) > 0.5) chosen = c;
    }
    choice.push_back(chosen);
  }
  return choice;
}

}  // namespace

double total(const WidthProgram &program, const std::vector<std::size_t> &choice, Sum sum) {
  double all = 0;
  for (std::size_t i = 0; i < choice.size(); ++i) all += part(program.operators[i][choice[i]], sum);
  return all;
}

std::optional<std::vector<std::size_t>> solve(const WidthProgram &program) {
  const std::vector<Limit> limits = limits_of(program);
  const std::vector<double> room = room_of(program, limits);
  if (std::any_of(room.begin(), room.end(), [](double left) { return left < 0; })) return std::nullopt;
  // The solver lets rows be exceeded by a tolerance; what it finds is checked, and the limits are drawn in where it
  // made use of that.
  double tightening = 0;
  for (int i = 0; i < kAttempts; ++i) {
    const auto choice = attempt(program, limits, room, tightening);
    if (!choice) return std::nullopt;
    const bool kept = std::all_of(limits.begin(), limits.end(),
                                  [&](const Limit &limit) { return keeps_to(program, *choice, limit); });
    if (kept) return choice;
    tightening = tightening == 0 ? 1e-8 : tightening * 10;
  }
  throw std::runtime_error("GLPK found no choice that keeps to the limits");
}

}  // namespace halftone::passes
