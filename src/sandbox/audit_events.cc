// SPDX-License-Identifier: Apache-2.0
#include "sandbox/audit_events.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "base/status.h"
#include "sandbox/payload.h"

namespace vortex::sandbox {
namespace {

using Json = nlohmann::ordered_json;
using audit::Bounded;

constexpr std::size_t kMaxRules = 64;
constexpr std::size_t kMaxReasonBytes = 512;
constexpr std::size_t kMaxLeftovers = 16;

audit::Event MakeEvent(const char* type, const Json& json) {
  std::string text = json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  return {type, text.substr(1, text.size() - 2)};
}

std::string NodeName() {
  char name[256] = {};
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

Json Common(const RunRequest& request, const SandboxResult& result) {
  static const std::string node = NodeName();
  Json out = {{"node", node}, {"run_id", result.run_id}};
  // One that was refused is the caller's text, of any kind.
  if (!request.traceparent.empty() && CheckTraceparent(request.traceparent).ok())
    out["traceparent"] = request.traceparent;
  out["plugin"] = {{"id", Bounded(result.plugin_id, 128)},
                   {"version", Bounded(result.plugin_version, 64)},
                   {"digest", result.bundle_digest}};
  out["runtime_class"] = result.runtime_class;
  return out;
}

template <typename T>
Json Known(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

// A message may carry the plugin's own words, unless the plugin never ran.
bool OursAlone(Cause cause) {
  return cause == Cause::kPolicyDenied || cause == Cause::kSandboxUnavailable;
}

// Facts without a word of the plugin's: counters, and our own kills.
bool IsMetadata(const Evidence& evidence) {
  return evidence.witness == "kernel" || evidence.witness == "init" ||
         (evidence.witness == "runner" && evidence.fact.starts_with("killed: "));
}

Json StreamJson(const StreamResult& stream) {
  return {{"bytes", stream.bytes_total},
          {"kept", stream.kept.size()},
          {"truncated", stream.truncated},
          {"digest", stream.digest}};
}

Json DenialJson(const RunRequest& request, const SandboxResult& result, const Denial& denial) {
  Json out = Common(request, result);
  out["control"] = Bounded(denial.control, 32);
  out["action"] = Bounded(denial.action, 64);
  out["target"] = AuditTarget(denial);
  out["rule"] = Bounded(denial.rule, 128);
  out["witness"] = Bounded(denial.witness, 32);
  out["count"] = denial.count;
  const auto time = [](std::int64_t unix_ns) {
    if (unix_ns == 0) return Json();
    return Json(audit::Rfc3339(audit::WallTime(std::chrono::nanoseconds(unix_ns))));
  };
  out["first"] = time(denial.first_unix_ns);
  out["last"] = time(denial.last_unix_ns);
  out["errno"] = denial.errno_value == 0 ? Json() : Json(ErrnoName(denial.errno_value));
  return out;
}

Json EndJson(const RunRequest& request, const SandboxResult& result) {
  const Termination& end = result.termination;
  Json out = Common(request, result);
  out["cause"] = CauseName(end.cause);
  out["limit"] = Bounded(end.limit, 64);
  out["exit_code"] = Known(end.exit_code);
  out["signal"] = Known(end.signal);
  if (OursAlone(end.cause)) out["message"] = Bounded(end.message, kMaxReasonBytes);
  Json evidence = Json::array();
  for (const Evidence& fact : end.evidence) {
    if (IsMetadata(fact))
      evidence.push_back({{"fact", Bounded(fact.fact)}, {"witness", fact.witness}});
  }
  out["evidence"] = std::move(evidence);
  out["usage"] = {{"cpu_usec", Known(result.usage.cpu_usec)},
                  {"memory_peak_bytes", Known(result.usage.memory_peak_bytes)},
                  {"pids_peak", Known(result.usage.pids_peak)},
                  {"wall_usec", result.usage.wall_usec}};
  out["total_usec"] = result.total.count();
  out["output"] = {{"bytes", result.output.size()},
                   {"digest", result.output.empty() ? "" : base::Sha256::Digest(result.output)}};
  out["stdout"] = StreamJson(result.stdout_stream);
  out["stderr"] = StreamJson(result.stderr_stream);
  std::uint64_t attempts = 0;
  for (const Denial& denial : result.denials) attempts += denial.count;
  out["denials"] = {
      {"records", std::min(result.denials.size(), kMaxDenialEvents)},
      {"omitted", result.denials.size() - std::min(result.denials.size(), kMaxDenialEvents)},
      {"attempts", attempts}};
  out["image_digest"] = result.image_digest;
  out["spec_digest"] = result.spec_digest;
  out["policy_digest"] = result.policy_digest;
  Json leftovers = Json::array();
  for (const std::string& leftover : result.leftovers) {
    if (leftovers.size() == kMaxLeftovers) break;
    leftovers.push_back(Bounded(leftover));
  }
  out["leftovers"] = std::move(leftovers);
  return out;
}

}  // namespace

std::string_view DecisionName(const absl::Status& admitted) {
  if (admitted.ok()) return "granted";
  if (absl::IsPermissionDenied(admitted)) return "denied";
  if (absl::IsInvalidArgument(admitted) || absl::IsNotFound(admitted)) return "invalid";
  return "unavailable";
}

audit::Event DecisionEvent(const RunRequest& request, const SandboxResult& result,
                           const absl::Status& admitted) {
  Json out = Common(request, result);
  out["decision"] = DecisionName(admitted);
  if (!admitted.ok()) out["reason"] = Bounded(Message(admitted), kMaxReasonBytes);
  // The caller's word for the plugin, where there is no better one.
  if (result.bundle_digest.empty()) out["requested"] = Bounded(request.plugin);
  Json rules = Json::array();
  for (const policy::RuleDecision& rule : result.rules) {
    if (rules.size() == kMaxRules) break;
    rules.push_back({{"rule", Bounded(rule.rule, 128)},
                     {"outcome", Bounded(rule.outcome, 128)},
                     {"detail", Bounded(rule.detail)}});
  }
  out["rules"] = std::move(rules);
  out["rules_omitted"] = result.rules.size() - std::min(result.rules.size(), kMaxRules);
  out["policy_digest"] = result.policy_digest;
  out["payload_bytes"] = request.payload.size();
  out["actor"] = {{"uid", ::getuid()}, {"pid", ::getpid()}};
  audit::Event event = MakeEvent("decision", out);
  // What is escaped grows; a line that is too long would not be written at all.
  while (event.fields.size() > audit::kMaxLineBytes - 1024 && !out["rules"].empty()) {
    out["rules"].erase(out["rules"].size() - 1);
    out["rules_omitted"] = result.rules.size() - out["rules"].size();
    event = MakeEvent("decision", out);
  }
  return event;
}

audit::Event StartEvent(const RunRequest& request, const SandboxResult& result) {
  Json out = Common(request, result);
  out["image_digest"] = result.image_digest;
  out["spec_digest"] = result.spec_digest;
  return MakeEvent("start", out);
}

std::vector<audit::Event> EndEvents(const RunRequest& request, const SandboxResult& result) {
  std::vector<audit::Event> out;
  for (const Denial& denial : result.denials) {
    if (out.size() == kMaxDenialEvents) break;
    out.push_back(MakeEvent("denial", DenialJson(request, result, denial)));
  }
  out.push_back(MakeEvent("end", EndJson(request, result)));
  return out;
}

std::string AuditTarget(const Denial& denial) {
  std::string_view target = denial.target;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos && denial.control != "network") return Bounded(target);
  target = target.substr(0, target.find_first_of("?#"));
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t path = std::min(target.find('/', host), target.size());
  const std::size_t at = target.substr(0, path).rfind('@');
  if (at == std::string_view::npos || at < host) return Bounded(target);
  return Bounded(std::string(target.substr(0, host)) + std::string(target.substr(at + 1)));
}

}  // namespace vortex::sandbox
