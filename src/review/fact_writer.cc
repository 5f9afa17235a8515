// SPDX-License-Identifier: Apache-2.0
// How a statement of a spec is written down.
#include "review/facts.h"

#include <fmt/format.h>

#include <limits>

#include "review/audit_context.h"

namespace vortex::review {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

}  // namespace

Fact MakeFact(FactKind kind, const Node& where, const std::string& value) {
  Fact fact;
  fact.kind = kind;
  fact.value = Printable(value);
  fact.path = Printable(where.path());
  fact.at = where.at();
  return fact;
}

void FactWriter::Under(std::string parent) { parent_ = Printable(parent); }

void FactWriter::Put(const std::string& key, Fact fact) {
  if (fact.parent.empty()) fact.parent = parent_;
  out_[Printable(key)] = std::move(fact);
}

void FactWriter::Grant(const std::string& key, const Node& where, const std::string& value) {
  Put(key, MakeFact(FactKind::kGrant, where, value));
}

void FactWriter::Guard(const std::string& key, const Node& where, const std::string& value) {
  Put(key, MakeFact(FactKind::kGuard, where, value));
}

void FactWriter::Ceiling(const std::string& key, const Node& where, double number,
                         const std::string& value) {
  Fact fact = MakeFact(FactKind::kCeiling, where, value);
  fact.number = number;
  Put(key, std::move(fact));
}

void FactWriter::Floor(const std::string& key, const Node& where, double number,
                       const std::string& value) {
  Fact fact = MakeFact(FactKind::kFloor, where, value);
  fact.number = number;
  Put(key, std::move(fact));
}

void FactWriter::Neutral(const std::string& key, const Node& where, bool run_field) {
  if (!where) return;
  Fact fact = MakeFact(FactKind::kNeutral, where, "");
  fact.value = Compact(*where.value());
  fact.run_field = run_field;
  Put(key, std::move(fact));
}

void FactWriter::Unknown(const std::string& key, const Node& where, bool run_field) {
  if (!where) return;
  Fact fact = MakeFact(FactKind::kUnknown, where, "");
  fact.value = Compact(*where.value());
  fact.run_field = run_field;
  Put(key, std::move(fact));
}

void FactWriter::Detail(const std::string& key, const Node& where, bool run_field) {
  if (!where) return;
  Fact fact = MakeFact(FactKind::kUnknown, where, "");
  fact.value = Compact(*where.value());
  fact.run_field = run_field;
  if (parent_.empty()) fact.parent = Printable(key);
  Put(key, std::move(fact));
}

void FactWriter::Limit(const std::string& key, const Node& where, bool zero_is_none) {
  if (!where) return;
  const auto limit = review::Limit(where);
  const bool none = !limit || (zero_is_none && *limit == 0);
  Ceiling(key, where, none ? kNone : static_cast<double>(*limit),
          none ? "unlimited" : std::to_string(*limit));
}

void FactWriter::Mode(const std::string& key, const Node& where, std::int64_t mode,
                      std::int64_t bits) {
  for (std::int64_t bit = 1; bit <= bits; bit <<= 1) {
    if ((bits & bit) != 0 && (mode & bit) != 0)
      Grant(fmt::format("{} mode {:04o}", key, bit), where);
  }
}

}  // namespace vortex::review
