// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_values.h"

#include <algorithm>

#include "base/sha256.h"
#include "base/status.h"
#include "oci/class_support.h"
#include "oci/grant_check.h"
#include "policy/address_range.h"
#include "policy/date.h"
#include "policy/fields.h"
#include "policy/limit_fields.h"

namespace vortex::policy {
namespace {

constexpr std::size_t kMaxReason = 200;

absl::StatusOr<oci::RuntimeClass> ReadClass(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Text());
  const auto parsed = oci::ParseRuntimeClass(text);
  if (!parsed.ok())
    return field.Bad("{} is not a runtime class; use runc, crun, gvisor or kata", Quoted(text));
  return *parsed;
}

template <typename T, typename Parse>
absl::StatusOr<T> ReadUnit(const YamlField& field, Parse parse, T least, T most,
                           const char* range) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Scalar());
  const absl::StatusOr<T> value = parse(text);
  if (!value.ok()) return field.Bad("{}", Message(value.status()));
  if (*value < least || *value > most)
    return field.Bad("{} is out of range; use {}", Quoted(text), range);
  return value;
}

}  // namespace

absl::StatusOr<std::vector<oci::RuntimeClass>> ReadClasses(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const auto classes, ReadList(field, kMaxList, ReadClass));
  if (classes.empty()) return field.Bad("is empty; name for example gvisor");
  for (auto it = classes.begin(); it != classes.end(); ++it) {
    if (std::find(classes.begin(), it, *it) != it)
      return field.Bad("names {} twice", oci::Name(*it));
  }
  return classes;
}

absl::StatusOr<std::string> ReadDigest(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string text, field.Text());
  if (base::IsSha256Digest(text)) return text;
  return field.Bad("{} is not a digest; write sha256: and 64 hex digits in lower case",
                   Quoted(text));
}

absl::StatusOr<std::string> ReadReason(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string text, field.Text());
  if (text.empty() || text.size() > kMaxReason || FindBadCharacter(text))
    return field.Bad("write one line of 1 to {} bytes: why, and who decided it", kMaxReason);
  return text;
}

absl::StatusOr<std::optional<std::chrono::sys_days>> ReadExpiry(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Scalar());
  if (text == "never") return std::optional<std::chrono::sys_days>();
  const auto date = ParseDate(text);
  if (!date.ok()) return field.Bad("{}, or never", Message(date.status()));
  return std::optional<std::chrono::sys_days>(*date);
}

absl::StatusOr<std::string> ReadAbsolutePath(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string text, field.Text());
  const std::string walk = text + "/";
  if (text.size() > 1 && text.front() == '/' && !FindBadCharacter(text) &&
      walk.find("//") == std::string::npos && walk.find("/./") == std::string::npos &&
      walk.find("/../") == std::string::npos) {
    return text;
  }
  return field.Bad(
      "{} is not an absolute path without \".\", \"..\" and a slash at its end; write for example "
      "/srv/models",
      Quoted(text));
}

absl::StatusOr<std::string> ReadUsefulCapability(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string name, ReadCapability(field));
  oci::JobConfig job;
  job.capabilities = {oci::WeakensIsolation{"checks an allow entry; no spec is made"}, {name}};
  const absl::Status honoured = oci::CheckClassHonours(job);
  if (honoured.ok()) return name;
  return field.Bad("{} would be void: {}", name,
                   "inside a sandbox the kernel or the seccomp profile denies what it is for");
}

absl::StatusOr<oci::MountGrant> ReadMount(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const auto members, field.Members({"source", "destination", "read_only"}));
  oci::MountGrant mount;
  for (const auto& [key, value] : members) {
    if (key == "source") {
      VX_ASSIGN_OR_RETURN(mount.source, ReadAbsolutePath(value));
    } else if (key == "destination") {
      VX_ASSIGN_OR_RETURN(mount.destination, ReadAbsolutePath(value));
    } else {
      VX_ASSIGN_OR_RETURN(mount.read_only, ReadBool(value));
    }
  }
  if (mount.source.empty() || mount.destination.empty()) {
    return field.Bad(
        "needs both source and destination, for example {{source: /srv/models, destination: "
        "/mnt/models}}");
  }
  oci::JobConfig job;
  job.mounts = {oci::WeakensIsolation{"checks an allow entry; no spec is made"}, {mount}};
  if (const absl::Status checked = oci::CheckGrants(job); !checked.ok())
    return field.Bad("{}", Message(checked));
  return mount;
}

absl::StatusOr<std::string> ReadRange(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Text());
  const auto range = ParseAddressRange(text);
  if (!range.ok()) return field.Bad("{}", Message(range.status()));
  if (*range != text) return field.Bad("write it as {}", *range);
  return text;
}

absl::StatusOr<std::string> ReadDeniedHost(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Text());
  return text == "*" ? absl::StatusOr<std::string>(text) : ReadHost(field);
}

absl::StatusOr<LimitRequest> ReadBoundedLimits(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const LimitRequest limits, ReadLimits(field));
  absl::Status bad;
  ForEachLimit([&](const auto& limit) {
    const auto& value = limits.*limit.asked;
    const auto least = MinimumLimits().*limit.given, most = MaximumLimits().*limit.given;
    if (!bad.ok() || !value || (*value >= least && *value <= most)) return;
    bad = field.Bad("{}: {} is out of range; use {} to {}", limit.name, limit.format(*value),
                    limit.format(least), limit.format(most));
  });
  if (!bad.ok()) return bad;
  return limits;
}

absl::StatusOr<std::uint64_t> ReadSegmentBytes(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const auto bytes, ReadUnit<std::int64_t>(field, ParseBytes, 64 << 10,
                                                               std::int64_t{1} << 30, "64k to 1g"));
  return static_cast<std::uint64_t>(bytes);
}

absl::StatusOr<std::chrono::seconds> ReadSegmentAge(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const auto age, ReadUnit<std::chrono::milliseconds>(
                                          field, ParseDuration, std::chrono::minutes(1),
                                          std::chrono::hours(24), "1m to 24h"));
  return std::chrono::duration_cast<std::chrono::seconds>(age);
}

}  // namespace vortex::policy
