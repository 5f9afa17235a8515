// SPDX-License-Identifier: Apache-2.0
// The process but for its seccomp profile.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "review/audit_context.h"

namespace vortex::review {
namespace {

bool HasSecretName(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
  }
  for (const char* part : {"PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE_KEY",
                           "APIKEY", "API_KEY", "ACCESS_KEY", "SSH_AUTH_SOCK", "DOCKER_HOST",
                           "KUBECONFIG", "AWS_SESSION", "DATABASE_URL"}) {
    if (upper.find(part) != std::string::npos) return true;
  }
  return false;
}

// The two tokens of a run are worth nothing outside of it (docs/user/plugin-protocol.md).
bool IsRunToken(std::string_view name, std::string_view value) {
  return (name == "VORTEX_INIT_TOKEN" || name == "VORTEX_RESULT_TOKEN") && value.size() == 32 &&
         value.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool SteersLoader(std::string_view name) {
  static const std::set<std::string_view> kNames = {
      "LD_PRELOAD", "LD_AUDIT",      "LD_LIBRARY_PATH", "GCONV_PATH",      "GLIBC_TUNABLES",
      "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME",      "PYTHONINSPECT",   "PERL5LIB",
      "PERL5OPT",   "RUBYOPT",       "RUBYLIB",         "NODE_OPTIONS",    "JAVA_TOOL_OPTIONS",
      "BASH_ENV",   "ENV",           "PROMPT_COMMAND",  "LD_DEBUG_OUTPUT", "MALLOC_TRACE"};
  return kNames.contains(name);
}

void AuditEnv(AuditContext& audit, const Node& process) {
  for (const Node& item : process["env"].Items()) {
    const std::string_view text = item.Text();
    const std::string_view name = text.substr(0, text.find('='));
    const std::string_view value = text.substr(std::min(text.size(), name.size() + 1));
    // Values are not printed: they may be the secret.
    if (HasSecretName(name) && !IsRunToken(name, value))
      audit.Add("process.env-secret", item, fmt::format("{} looks like a credential", name));
    if (SteersLoader(name)) audit.Add("process.env-loader", item, fmt::format("{} is set", name));
  }
}

void AuditUser(AuditContext& audit, const Node& process) {
  const Node user = process["user"];
  const bool mapped = audit.HasNewNamespace("user") || audit.own_kernel();
  if (user["uid"].Int().value_or(0) == 0) {
    audit.Add("process.root-user", user["uid"],
              mapped ? "root inside of its user namespace or kernel" : "root of the host",
              mapped ? Severity::kWarning : Severity::kHigh);
  }
  if (user["gid"].Int().value_or(0) == 0) audit.Add("process.root-group", user["gid"], "group 0");
  const auto groups = user["additionalGids"].Items();
  if (!groups.empty())
    audit.Add("process.additional-groups", user["additionalGids"],
              fmt::format("{} more groups", groups.size()));
  const auto umask = user["umask"].Int();
  if (!umask || (*umask & 022) != 022)
    audit.Add("process.umask", user["umask"],
              umask ? fmt::format("octal {:o}: others may write", *umask) : "absent: inherited");
}

void AuditLsm(AuditContext& audit, const Node& process) {
  const std::string& profile = process["apparmorProfile"].Text();
  const std::string& label = process["selinuxLabel"].Text();
  if (profile == "unconfined")
    audit.Add("process.apparmor-unconfined", process["apparmorProfile"], "\"unconfined\"");
  for (const char* type : {"unconfined_t", "spc_t", "container_runtime_t", "init_t", "kernel_t"}) {
    if (label.find(fmt::format(":{}", type)) != std::string::npos)
      audit.Add("process.selinux-unconfined", process["selinuxLabel"],
                fmt::format("\"{}\"", label));
  }
  if (profile.empty() && label.empty())
    audit.Add("process.no-lsm", process, "neither apparmorProfile nor selinuxLabel");
}

}  // namespace

void AuditProcess(AuditContext& audit) {
  const Node process = audit.root()["process"];
  if (!process) return;
  AuditUser(audit, process);
  if (!process["noNewPrivileges"].IsTrue())
    audit.Add("process.privileges-may-grow", process["noNewPrivileges"],
              process["noNewPrivileges"] ? "false" : "absent, which means false");
  if (process["terminal"].IsTrue()) audit.Add("process.terminal", process["terminal"], "true");
  const auto score = process["oomScoreAdj"].Int();
  if (score.value_or(0) <= 0) {
    audit.Add("process.oom-protected", process["oomScoreAdj"],
              score ? std::to_string(*score) : "absent: inherited",
              score.value_or(0) < 0 ? Severity::kWarning : Severity::kNote);
  }
  AuditLsm(audit, process);
  AuditEnv(audit, process);
  const std::string cwd = NormalPath(process["cwd"].Text());
  if (Within(cwd, "/proc/self") || Within(cwd, "/proc/thread-self") || cwd.starts_with("/dev/fd") ||
      (Within(cwd, "/proc") && cwd.find("/fd/") != std::string::npos)) {
    audit.Add("process.cwd-descriptor", process["cwd"], fmt::format("\"{}\"", cwd));
  }
  const std::string& policy = process["scheduler"]["policy"].Text();
  if (policy == "SCHED_FIFO" || policy == "SCHED_RR" || policy == "SCHED_DEADLINE" ||
      process["scheduler"]["nice"].Int().value_or(0) < 0) {
    audit.Add("process.realtime", process["scheduler"],
              policy.empty() ? "a negative nice" : policy);
  }
  if (process["ioPriority"]["class"].Text() == "IOPRIO_CLASS_RT")
    audit.Add("process.realtime", process["ioPriority"]["class"], "IOPRIO_CLASS_RT");
}

void AuditRlimits(AuditContext& audit) {
  const Node process = audit.root()["process"];
  if (!process) return;
  const Node list = process["rlimits"];
  static const std::set<std::string_view> kKnown = {
      "AS",   "CORE",   "CPU",   "DATA", "FSIZE",  "LOCKS",  "MEMLOCK",    "MSGQUEUE",
      "NICE", "NOFILE", "NPROC", "RSS",  "RTPRIO", "RTTIME", "SIGPENDING", "STACK"};
  std::map<std::string, Node> limits;
  for (const Node& item : list.Items()) {
    const std::string& type = item["type"].Text();
    const std::string name = type.starts_with("RLIMIT_") ? type.substr(7) : "";
    if (!kKnown.contains(name)) {
      audit.Add("rlimits.malformed", item["type"], fmt::format("\"{}\" is no limit", type));
      continue;
    }
    if (!limits.emplace(name, item).second)
      audit.Add("rlimits.malformed", item, fmt::format("{} is there twice", type));
    const auto soft = Limit(item["soft"]), hard = Limit(item["hard"]);
    if (soft && (!hard || *soft < *hard))
      audit.Add("rlimits.soft-below-hard", item,
                fmt::format("{}: only the hard limit holds", type));
  }
  const auto check = [&](const char* name, const char* rule, std::int64_t most, Severity absent) {
    const auto found = limits.find(name);
    if (found == limits.end())
      return audit.Add(rule, list, fmt::format("no RLIMIT_{}", name), absent);
    const auto hard = Limit(found->second["hard"]);
    if (!hard || *hard > most)
      audit.Add(rule, found->second,
                fmt::format("RLIMIT_{} {}", name, hard ? std::to_string(*hard) : "unlimited"));
  };
  check("CORE", "rlimits.core", 0, Severity::kWarning);
  check("NOFILE", "rlimits.nofile", 1 << 20, Severity::kWarning);
  check("FSIZE", "rlimits.fsize", std::int64_t{1} << 42, Severity::kNote);
  std::vector<std::string> inherited;
  for (const char* name : {"MEMLOCK", "NICE", "RTPRIO", "STACK"}) {
    if (!limits.contains(name)) inherited.push_back(std::string("RLIMIT_") + name);
  }
  if (!inherited.empty())
    audit.Add("rlimits.inherited", list, fmt::format("no {}", fmt::join(inherited, ", ")));
  for (const char* name : {"NICE", "RTPRIO"}) {
    if (limits.contains(name)) check(name, "rlimits.priority", 0, Severity::kWarning);
  }
  if (limits.contains("MEMLOCK")) check("MEMLOCK", "rlimits.memlock", 64 << 20, Severity::kWarning);
  // Where a pids cgroup counts the job's own processes, it is the limit.
  const bool counted = !audit.own_kernel() &&
                       Limit(audit.root()["linux"]["resources"]["pids"]["limit"]).value_or(0) > 0;
  if (!counted || limits.contains("NPROC"))
    check("NPROC", "rlimits.nproc", 1 << 20, Severity::kWarning);
}

}  // namespace vortex::review
