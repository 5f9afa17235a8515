// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metrics_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "base/files.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;

struct Family {
  std::string help;
  std::string type;                                     // counter, gauge, histogram
  std::vector<std::pair<std::string, double>> samples;  // "name{labels}", in their order
};

struct Families {
  std::vector<std::string> order;
  std::map<std::string, Family> by_name;

  Family& Get(const std::string& name) {
    const auto [it, fresh] = by_name.try_emplace(name);
    if (fresh) order.push_back(name);
    return it->second;
  }
};

// The family of a histogram's sample is its name without the suffix.
Family* FamilyOf(Families& families, std::string_view sample) {
  std::string name(sample.substr(0, sample.find('{')));
  if (const auto it = families.by_name.find(name); it != families.by_name.end()) return &it->second;
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const auto it = families.by_name.find(name.substr(0, name.size() - suffix.size()));
    if (it != families.by_name.end() && it->second.type == "histogram") return &it->second;
  }
  return nullptr;
}

// "# HELP name text" and "# TYPE name type".
bool TakeComment(Families& families, std::string_view line) {
  for (const std::string_view kind : {"# HELP ", "# TYPE "}) {
    if (!line.starts_with(kind)) continue;
    const std::string_view rest = line.substr(kind.size());
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos || !rest.starts_with("vortex_")) return false;
    Family& family = families.Get(std::string(rest.substr(0, space)));
    (kind == "# HELP " ? family.help : family.type) = rest.substr(space + 1);
    return true;
  }
  return false;
}

bool TakeSample(Families& families, std::string_view line) {
  const std::size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return false;
  Family* const family = FamilyOf(families, line.substr(0, space));
  if (family == nullptr) return false;
  double value = 0;
  const auto [end, error] =
      std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
  if (error != std::errc() || end != line.data() + line.size() || !std::isfinite(value) ||
      value < 0) {
    return false;
  }
  family->samples.emplace_back(line.substr(0, space), value);
  return true;
}

absl::StatusOr<Families> Parse(std::string_view text) {
  Families out;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    if (!(line.starts_with('#') ? TakeComment(out, line) : TakeSample(out, line)))
      return InvalidArgument("line {} is none of vortex's metrics", number);
  }
  return out;
}

std::set<std::string> Buckets(const Family& family) {
  std::set<std::string> out;
  for (const auto& [name, value] : family.samples) {
    const std::size_t at = name.find("le=\"");
    if (at != std::string::npos) out.insert(name.substr(at, name.find('"', at + 4) - at));
  }
  return out;
}

void AddFamily(Family& into, const Family& fresh) {
  if (into.type != fresh.type || fresh.type == "gauge" ||
      (fresh.type == "histogram" && !into.samples.empty() && !fresh.samples.empty() &&
       Buckets(into) != Buckets(fresh))) {
    into = fresh;
    return;
  }
  into.help = fresh.help;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < into.samples.size(); ++i) places.emplace(into.samples[i].first, i);
  for (const auto& [name, value] : fresh.samples) {
    const auto it = places.find(name);
    if (it == places.end())
      into.samples.emplace_back(name, value);
    else
      into.samples[it->second].second += value;
  }
}

}  // namespace

absl::StatusOr<std::string> MergeMetrics(std::string_view old, std::string_view fresh) {
  VX_ASSIGN_OR_RETURN(Families sum, Parse(old));
  VX_ASSIGN_OR_RETURN(const Families added, Parse(fresh));
  for (const std::string& name : added.order) AddFamily(sum.Get(name), added.by_name.at(name));
  std::string out;
  for (const std::string& name : sum.order) {
    const Family& family = sum.by_name.at(name);
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
    for (const auto& [sample, value] : family.samples) out += fmt::format("{} {}\n", sample, value);
  }
  return out;
}

absl::Status AddToMetricsFile(const std::string& path, std::string_view text) {
  VX_ASSIGN_OR_RETURN(const base::UniqueFd lock,
                      base::OpenFile(path + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0644));
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, fmt::format("lock {}.lock", path));
  }
  auto old = base::ReadFile(path, kMaxFileBytes);
  if (!old.ok() && !absl::IsNotFound(old.status())) return old.status();
  const auto merged = MergeMetrics(old.ok() ? *old : std::string(), text);
  if (!merged.ok()) return Annotate(merged.status(), "metrics file " + path);
  return base::WriteFileAtomic(path, *merged, 0644);
}

}  // namespace vortex::sandbox
