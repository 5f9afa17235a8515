// SPDX-License-Identifier: Apache-2.0
#include "sandbox/result_json.h"

#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace vortex::sandbox {
namespace {

using Json = nlohmann::ordered_json;

bool IsUtf8(const std::string& bytes) {
  try {
    (void)Json(bytes).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

std::string Base64(const std::string& bytes) {
  // EVP_EncodeBlock writes 4 characters for 3 bytes and a final NUL.
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

template <typename T>
Json Optional(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// Untrusted text inside an otherwise ours document: bytes that are not UTF-8 become U+FFFD.
Json Text(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

Json TerminationJson(const Termination& termination) {
  Json evidence = Json::array();
  for (const Evidence& item : termination.evidence) {
    evidence.push_back({{"fact", Text(item.fact)}, {"witness", item.witness}});
  }
  return {{"cause", std::string(CauseName(termination.cause))},
          {"exit_code", Optional(termination.exit_code)},
          {"signal", Optional(termination.signal)},
          {"limit", termination.limit},
          {"message", Text(termination.message)},
          {"evidence", std::move(evidence)}};
}

Json StreamJson(const StreamResult& stream) {
  Json out = {{"bytes_kept", stream.kept.size()},
              {"bytes_total", stream.bytes_total},
              {"truncated", stream.truncated},
              {"complete", stream.complete},
              {"digest", stream.digest}};
  if (IsUtf8(stream.kept)) {
    out["text"] = stream.kept;
  } else {
    out["base64"] = Base64(stream.kept);
  }
  return out;
}

Json FailureJson(const std::optional<PluginFailure>& failure) {
  if (!failure) return nullptr;
  return {{"kind", Text(failure->kind)},
          {"type", Text(failure->type)},
          {"message", Text(failure->message)},
          {"traceback", Text(failure->traceback)},
          {"errno", Optional(failure->errno_value)},
          {"filename", Text(failure->filename)}};
}

Json LimitsJson(const std::vector<LimitReport>& limits) {
  Json out = Json::object();
  for (const LimitReport& limit : limits) {
    out[limit.name] = {{"requested", Optional(limit.requested)},
                       {"effective", limit.effective},
                       {"readback", Optional(limit.readback)},
                       {"used", Optional(limit.used)}};
  }
  return out;
}

Json ControlsJson(const std::vector<ControlReport>& controls) {
  Json out = Json::array();
  for (const ControlReport& control : controls) {
    out.push_back({{"name", control.name},
                   {"requested", control.requested},
                   {"effective", control.effective},
                   {"readback", Text(control.readback)}});
  }
  return out;
}

Json UsageJson(const Usage& usage) {
  return {{"cpu_usec", Optional(usage.cpu_usec)},
          {"memory_peak_bytes", Optional(usage.memory_peak_bytes)},
          {"pids_peak", Optional(usage.pids_peak)},
          {"throttled_usec", Optional(usage.throttled_usec)},
          {"throttled_periods", Optional(usage.throttled_periods)},
          {"wall_usec", usage.wall_usec}};
}

// Zero stands for "not known".
template <typename T>
Json Known(T value) {
  return value == 0 ? Json(nullptr) : Json(value);
}

Json RulesJson(const std::vector<policy::RuleDecision>& rules) {
  Json out = Json::array();
  for (const policy::RuleDecision& rule : rules) {
    out.push_back({{"rule", rule.rule},
                   {"outcome", Text(rule.outcome)},
                   {"detail", Text(rule.detail)},
                   {"position", Text(rule.position)}});
  }
  return out;
}

Json DenialsJson(const std::vector<Denial>& denials) {
  Json out = Json::array();
  for (const Denial& denial : denials) {
    out.push_back({{"control", denial.control},
                   {"action", denial.action},
                   {"target", Text(denial.target)},
                   {"rule", denial.rule},
                   {"witness", denial.witness},
                   {"count", denial.count},
                   {"first_unix_ns", Known(denial.first_unix_ns)},
                   {"last_unix_ns", Known(denial.last_unix_ns)},
                   {"errno", Known(denial.errno_value)},
                   {"allowed_by", Text(denial.allowed_by)}});
  }
  return out;
}

Json EgressJson(const EgressReport& egress) {
  if (!egress.linked) return nullptr;
  Json hosts = Json::array();
  for (const EgressHost& host : egress.hosts) {
    hosts.push_back({{"host", Text(host.host)},
                     {"port", host.port},
                     {"connections", host.connections},
                     {"failures", host.failures},
                     {"bytes_out", host.bytes_out},
                     {"bytes_in", host.bytes_in}});
  }
  return {{"connections", egress.connections},
          {"hosts", std::move(hosts)},
          {"problem", Text(egress.problem)}};
}

Json ObservationJson(const Observation& observation) {
  Json out = Json::object();
  for (const ObserverState& state : observation.observers) {
    out[state.name] = {{"active", state.active},
                       {"witness", state.witness},
                       {"why", Text(state.why)},
                       {"dropped", state.dropped},
                       {"complete", state.complete}};
  }
  return out;
}

Json DenialErrorJson(const std::optional<DenialError>& error) {
  if (!error) return nullptr;
  return {{"control", error->control},      {"action", error->action},
          {"target", Text(error->target)},  {"rule", error->rule},
          {"witness", error->witness},      {"allowed_by", Text(error->allowed_by)},
          {"message", Text(error->message)}};
}

Json AuditJson(const std::optional<AuditTrace>& audit) {
  if (!audit) return Json();
  return {{"seq", audit->seq},
          {"hash", Text(audit->hash)},
          {"records_lost", audit->records_lost},
          {"error", Text(audit->error)}};
}

Json TimingsJson(const SandboxResult& result) {
  Json phases = Json::array();
  for (const Phase& phase : result.timings) {
    phases.push_back({{"phase", phase.name}, {"usec", phase.duration.count()}});
  }
  return {{"total_usec", result.total.count()}, {"phases", std::move(phases)}};
}

}  // namespace

std::string ResultToJson(const SandboxResult& result) {
  const Json json = {
      {"schema_version", 1},
      {"run_id", result.run_id},
      {"plugin",
       {{"id", result.plugin_id},
        {"version", result.plugin_version},
        {"digest", result.bundle_digest}}},
      {"runtime_class", result.runtime_class},
      {"termination", TerminationJson(result.termination)},
      {"failure", FailureJson(result.failure)},
      {"stdout", StreamJson(result.stdout_stream)},
      {"stderr", StreamJson(result.stderr_stream)},
      {"limits", LimitsJson(result.limits)},
      {"controls", ControlsJson(result.controls)},
      {"usage", UsageJson(result.usage)},
      {"denials", DenialsJson(result.denials)},
      {"egress", EgressJson(result.egress)},
      {"denial_error", DenialErrorJson(result.denial_error)},
      {"observation", ObservationJson(result.observation)},
      {"policy", {{"digest", result.policy_digest}, {"rules", RulesJson(result.rules)}}},
      {"audit", AuditJson(result.audit)},
      {"timings", TimingsJson(result)},
      {"image", {{"name", result.image}, {"digest", result.image_digest}}},
      {"spec_digest", result.spec_digest},
      {"leftovers", result.leftovers}};
  std::string text = json.dump();
  text.pop_back();
  return text + ",\"output\":" + (result.output.empty() ? "null" : result.output) + "}";
}

std::string ErrorToJson(const absl::Status& status) {
  const Json error = {{"code", absl::StatusCodeToString(status.code())},
                      {"message", Text(std::string(Message(status)))}};
  return Json{{"schema_version", 1}, {"error", error}}.dump();
}

}  // namespace vortex::sandbox
